/** The keys of a task's changelog records and store entries: its record, and one for each view and entity key. */
import { ByteReader, ByteWriter } from '../frames/bytes.ts';

const kinds = { record: 0, state: 1 } as const;

export const taskRecordKey: Buffer = Buffer.from([kinds.record]);

export function stateKey(view: number, key: string): Buffer {
  const head = view < 0x80 ? [kinds.state, view] : wideHead(view);
  const bytes = Buffer.allocUnsafe(head.length + Buffer.byteLength(key));
  bytes.set(head);
  bytes.write(key, head.length);
  return bytes;
}

function wideHead(view: number): Uint8Array {
  const out = new ByteWriter(16);
  out.u8(kinds.state);
  out.varint(view);
  return out.take();
}

/** @returns null for the task record's key. @throws RangeError when it is no key of a task. */
export function parseStateKey(bytes: Uint8Array): { readonly view: number; readonly key: string } | null {
  const from = new ByteReader(bytes);
  const kind = from.u8();
  if (kind === kinds.record) return null;
  if (kind !== kinds.state) throw new RangeError(`unknown kind of key ${kind}`);
  const view = from.varint();
  return { view, key: Buffer.from(from.raw(from.remaining_bytes)).toString() };
}
