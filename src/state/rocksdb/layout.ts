/**
 * The keys of a database: a task's name, NUL, then NUL for its checkpoint or 1 and the key of an entry. A name holds no NUL, so no
 * task's keys begin with another's, and one range is exactly one task, its checkpoint first.
 */
import { messageOf } from '../../errors.ts';
import { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { StateCheckpoint, TaskWrite } from '../state-store.ts';
import type { KeyRange } from './client.ts';

const version = 1;
const checkpointMark = 0;
const entryMark = 1;

export interface Put {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** The database holds bytes that no write put there. */
export class MisshapenError extends Error {}

interface TaskKeys {
  readonly checkpoint: Buffer;
  /** What stands in front of the key of an entry. */
  readonly entryPrefix: Buffer;
  /** Behind all keys of the task. */
  readonly end: Buffer;
}

/** @throws RangeError when the name cannot be told from another one by its bytes. */
export function keysOf(task: string): TaskKeys {
  const name = Buffer.from(task);
  if (name.includes(0) || name.toString() !== task)
    throw new RangeError(`${JSON.stringify(task)} names no task: it has a NUL or half a character`);
  const withEnd = (...bytes: number[]): Buffer => Buffer.concat([name, Buffer.from(bytes)]);
  return { checkpoint: withEnd(0, checkpointMark), entryPrefix: withEnd(0, entryMark), end: withEnd(1) };
}

export function entryRange({ entryPrefix, end }: TaskKeys): Required<KeyRange> {
  return { gte: entryPrefix, lt: end };
}

export function entryKey({ entryPrefix }: TaskKeys, key: Uint8Array): Buffer {
  return Buffer.concat([entryPrefix, key]);
}

/** The task whose first key this is. @throws MisshapenError when that is not a checkpoint's. */
export function taskOf(firstKey: Buffer): string {
  const at = firstKey.indexOf(0);
  if (at < 0 || firstKey.length !== at + 2 || firstKey[at + 1] !== checkpointMark)
    throw new MisshapenError(`a task begins with the key ${firstKey.toString('hex')}, which is not its checkpoint's`);
  return firstKey.toString('utf8', 0, at);
}

/** What a write does to the database, in order. */
export function* putsOf({ task, entries, checkpoint }: TaskWrite): Generator<Put> {
  const keys = keysOf(task);
  const prefix = keys.entryPrefix;
  // One allocation for the keys of all entries.
  const bytes = entries.reduce((sum, { key }) => sum + prefix.length + key.length, 0);
  const buffer = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const { key, value } of entries) {
    const start = at;
    buffer.set(prefix, at);
    buffer.set(key, at + prefix.length);
    at += prefix.length + key.length;
    yield { key: buffer.subarray(start, at), value };
  }
  yield { key: keys.checkpoint, value: formatCheckpoint(checkpoint) };
}

function formatCheckpoint({ changelogOffset, written_ms, definition }: StateCheckpoint): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u8(version);
  writer.zigzag(changelogOffset);
  writer.f64(written_ms);
  writer.text(definition);
  return writer.take();
}

/** @throws MisshapenError when it is not what {@link formatCheckpoint} wrote. */
export function parseCheckpoint(bytes: Uint8Array): StateCheckpoint {
  const reader = new ByteReader(bytes);
  try {
    const found = reader.u8();
    if (found !== version) throw new RangeError(`has version ${found}, this program knows ${version}`);
    const checkpoint = { changelogOffset: reader.zigzag(), written_ms: reader.f64(), definition: reader.text() };
    if (reader.remaining_bytes === 0) return checkpoint;
    throw new RangeError(`has ${reader.remaining_bytes} bytes behind its end`);
  } catch (error) {
    throw new MisshapenError(`a checkpoint ${messageOf(error)}`, { cause: error });
  }
}
