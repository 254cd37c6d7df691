/**
 * Hashes whose results are written down (routing, definition versions, replay filters): they may never change.
 * Two 32-bit FNV-1a lanes over UTF-16 code units, each finished with MurmurHash3's mixer (Appleby, public domain).
 */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32 bits, unsigned. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix(h);
}

/** 32 bits, unsigned, of a whole number below 2^53. */
export function hashWhole(seed: number, value: number): number {
  return mix(mix(seed ^ (value >>> 0)) ^ Math.floor(value / 0x1_0000_0000));
}

/** 64 bits as 16 hexadecimal digits. */
export function hash64(text: string): string {
  let a = 0x811c9dc5;
  let b = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ c, 0x5bd1e995);
  }
  a = mix(a ^ text.length);
  b = mix(b ^ a);
  return a.toString(16).padStart(8, '0') + b.toString(16).padStart(8, '0');
}
