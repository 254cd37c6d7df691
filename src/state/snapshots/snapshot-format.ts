/** The bytes of a snapshot: its manifest and its parts. `docs/frames.md` describes them. */
import { createHash } from 'node:crypto';
import { messageOf, MillraceError } from '../../errors.ts';
import { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { StateEntry } from '../state-store.ts';
import type { SnapshotTask } from './snapshot-names.ts';

const version = 1;
const kinds = { part: 1, manifest: 2 } as const;
const hash_bytes = 32;

export interface SnapshotPart {
  readonly bytes: number;
  readonly entries: number;
  /** SHA-256 of all its bytes. */
  readonly hash: Uint8Array;
}

export interface SnapshotManifest extends SnapshotTask {
  /** The changelog offset of the last record that is contained. */
  readonly changelogOffset: number;
  /** When the local store reached that offset, milliseconds since 1970: removals behind it are no older. */
  readonly written_ms: number;
  readonly entries: number;
  readonly parts: readonly SnapshotPart[];
}

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

export function encodeManifest(manifest: SnapshotManifest): Buffer {
  const out = new ByteWriter(1024);
  out.u8(version);
  out.u8(kinds.manifest);
  for (const text of [manifest.task, manifest.topicId, manifest.definition]) out.text(text);
  out.varint(manifest.generation);
  out.varint(manifest.changelogOffset);
  out.f64(manifest.written_ms);
  out.varint(manifest.entries);
  out.varint(manifest.parts.length);
  for (const { bytes, entries, hash } of manifest.parts) {
    out.varint(bytes);
    out.varint(entries);
    out.raw(hash);
  }
  const body = out.take();
  return Buffer.concat([body, sha256(body)]);
}

/** @throws MillraceError `snapshot-unusable` when it is not what {@link encodeManifest} wrote. */
export function decodeManifest(name: string, bytes: Uint8Array): SnapshotManifest {
  const body = bytes.subarray(0, Math.max(0, bytes.length - hash_bytes));
  if (!sha256(body).equals(bytes.subarray(body.length))) throw corrupt(name, 'its checksum is another');
  return reading(name, body, kinds.manifest, (from) => {
    const [task, topicId, definition] = [from.text(), from.text(), from.text()];
    const generation = from.varint();
    const changelogOffset = from.varint();
    const written_ms = from.f64();
    const entries = from.varint();
    const parts = Array.from({ length: from.varint() }, () => ({
      bytes: from.varint(),
      entries: from.varint(),
      hash: from.raw(hash_bytes),
    }));
    return { task, topicId, definition, generation, changelogOffset, written_ms, entries, parts };
  });
}

/** Gathers entries to parts of about a size. */
export class PartWriter {
  private readonly limit_bytes: number;
  private readonly out: ByteWriter;
  private count = 0;

  constructor(limit_bytes: number) {
    this.limit_bytes = limit_bytes;
    this.out = new ByteWriter(limit_bytes + 1024);
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  get isFull(): boolean {
    return this.out.size_bytes >= this.limit_bytes;
  }

  add({ key, value }: StateEntry): void {
    if (this.isEmpty) {
      this.out.u8(version);
      this.out.u8(kinds.part);
    }
    this.count++;
    for (const bytes of [key, value!]) {
      this.out.varint(bytes.length);
      this.out.raw(bytes);
    }
  }

  /** What was added since the last call. */
  take(): { readonly body: Buffer; readonly part: SnapshotPart } {
    const body = this.out.take();
    const part = { bytes: body.length, entries: this.count, hash: sha256(body) };
    this.count = 0;
    return { body, part };
  }
}

/**
 * The entries of a part, as views into its bytes.
 * @throws MillraceError `snapshot-unusable` when these are not the bytes that the manifest names.
 */
export function decodePart(name: string, bytes: Uint8Array, { entries, hash }: SnapshotPart): StateEntry[] {
  if (!sha256(bytes).equals(hash)) throw corrupt(name, 'its checksum is not that of the manifest');
  return reading(name, bytes, kinds.part, (from) =>
    Array.from({ length: entries }, () => ({ key: from.raw(from.varint()), value: from.raw(from.varint()) })),
  );
}

function reading<T>(name: string, bytes: Uint8Array, kind: number, read: (from: ByteReader) => T): T {
  try {
    const from = new ByteReader(bytes);
    const found = [from.u8(), from.u8()];
    if (found[0] !== version || found[1] !== kind)
      throw new RangeError(`has version ${found[0]}, kind ${found[1]}, not ${version}, ${kind}`);
    const result = read(from);
    if (from.remaining_bytes > 0) throw new RangeError(`has ${from.remaining_bytes} bytes behind its end`);
    return result;
  } catch (error) {
    throw corrupt(name, messageOf(error));
  }
}

const corrupt = (name: string, why: string): MillraceError =>
  new MillraceError('snapshot-unusable', `${name} is not a snapshot's: ${why}`);
