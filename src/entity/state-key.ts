/**
 * The keys of a task's changelog records and store entries: its record; for each view and entity key the key's own entry, and behind it the
 * chunks of its series. A key's text holds no NUL, so all of a key stands together, and before every longer key.
 */
import { ByteReader, ByteWriter } from '../frames/bytes.ts';

const kinds = { record: 0, state: 1 } as const;

export const taskRecordKey: Buffer = Buffer.from([kinds.record]);

export interface StateKey {
  readonly view: number;
  readonly key: string;
  /** Null for the key's own entry. */
  readonly chunk: { readonly series: number; readonly chunk: number } | null;
}

export function stateKey(view: number, key: string): Buffer {
  const head = view < 0x80 ? [kinds.state, view] : wideHead(view);
  const bytes = Buffer.allocUnsafe(head.length + Buffer.byteLength(key));
  bytes.set(head);
  bytes.write(key, head.length);
  return bytes;
}

/** Nothing stays in it. */
const chunkKeys = new ByteWriter(64);

export function chunkKey(view: number, key: string, series: number, chunk: number): Buffer {
  const out = chunkKeys;
  out.u8(kinds.state);
  out.varint(view);
  out.utf8(key);
  out.u8(0);
  out.varint(series);
  out.zigzag(chunk);
  return out.take();
}

/** Whether an entry of a key is a chunk. */
export function isChunkKey(key: Uint8Array): boolean {
  // Behind the kind and the first byte of the view.
  return key.indexOf(0, 2) !== -1;
}

function wideHead(view: number): Uint8Array {
  const out = new ByteWriter(16);
  out.u8(kinds.state);
  out.varint(view);
  return out.take();
}

/** @returns null for the task record's key. @throws RangeError when it is no key of a task. */
export function parseStateKey(bytes: Uint8Array): StateKey | null {
  const from = new ByteReader(bytes);
  const kind = from.u8();
  if (kind === kinds.record) return null;
  if (kind !== kinds.state) throw new RangeError(`unknown kind of key ${kind}`);
  const view = from.varint();
  const rest = from.raw(from.remaining_bytes);
  const end = rest.indexOf(0);
  if (end === -1) return { view, key: Buffer.from(rest).toString(), chunk: null };
  const behind = new ByteReader(rest.subarray(end + 1));
  return {
    view,
    key: Buffer.from(rest.subarray(0, end)).toString(),
    chunk: { series: behind.varint(), chunk: behind.zigzag() },
  };
}
