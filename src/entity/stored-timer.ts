/**
 * Timers as keys of the local store: their bytes are in the order in which timers fire. `docs/frames.md` describes them.
 */
import type { Timer } from './timers.ts';

/** A time is two halves: with its sign moved out of the way as a whole it would be past 2^53. */
const half = 2 ** 32;
const bias = 2 ** 31;
const head_bytes = 8;
const view_bytes = 4;

/** In front of all timers. */
export const inFront_us = -(2 ** 63);

/** The store's name for the timers of a task. */
export const timersOf = (task: string): string => `${task}/timers`;

export function storedTimerKey({ time_us, view, key }: Timer): Buffer {
  // Big-endian UTF-16: its bytes compare as strings do.
  const text = Buffer.from(`${key}\0`, 'utf16le').swap16();
  const bytes = Buffer.allocUnsafe(head_bytes + text.length + view_bytes);
  const high = Math.floor(time_us / half);
  bytes.writeUInt32BE(high + bias, 0);
  bytes.writeUInt32BE(time_us - high * half, 4);
  bytes.set(text, head_bytes);
  bytes.writeUInt32BE(view, head_bytes + text.length);
  return bytes;
}

export function parseStoredTimer(bytes: Uint8Array): Timer {
  const buffer = Buffer.from(bytes);
  const end = buffer.length - view_bytes;
  const text = buffer.subarray(head_bytes, end - 2);
  return {
    time_us: (buffer.readUInt32BE(0) - bias) * half + buffer.readUInt32BE(4),
    key: Buffer.from(text).swap16().toString('utf16le'),
    view: buffer.readUInt32BE(end),
  };
}
