/** The panes of a series that hold rows, in the order of time, and their bytes: within the key's own entry, or in chunks beside it. */
import type { AggregatePlan } from '../../define/plan.ts';
import { ByteWriter, type ByteReader } from '../../frames/bytes.ts';
import { PackedPanes } from './packed-panes.ts';
import { PaneChunk } from './pane-chunk.ts';
import { Pane, readPanes, type WindowAggregates } from './pane.ts';

/** A series with more panes than this is stored in chunks, so that a row of a long window does not rewrite all of it. */
const inlinePanes = 8;
const noChunks: ReadonlySet<number> = new Set();

/** For the bytes of a chunk within those of a key; nothing stays in it. */
const chunkBytes = new ByteWriter();

export class PaneStore {
  private readonly plans: readonly AggregatePlan[];
  /** How many pane indexes share a chunk once there are several. */
  private readonly chunkWidth: number;
  /** How many share one now: all while they stand in the key's own entry, as they do for most keys. */
  private width = Infinity;
  /** In the order of their numbers; none is empty. */
  private chunks: PaneChunk[] = [];
  private count = 0;
  /** Chunks that are written, as of the last {@link takeChunks} or {@link readInline}; null while all stands in the key's own entry. */
  private stored: Set<number> | null = null;
  /** Of the written ones and those that are to be, the chunks that changed since. */
  private changed: Set<number> | null = null;
  /** The chunk that stood in the key's own entry then; null when none did. */
  private inline: number | null = null;

  constructor(plans: readonly AggregatePlan[], chunkWidth: number) {
    this.plans = plans;
    this.chunkWidth = chunkWidth;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  private numberOf(index: number): number {
    return this.width === Infinity ? 0 : Math.floor(index / this.width);
  }

  /** Where the first chunk at or above the number stands. */
  private position(number: number): number {
    const { chunks } = this;
    let high = chunks.length;
    // Most rows are of the newest chunk, or of a new one behind it.
    if (high === 0 || chunks[high - 1]!.number < number) return high;
    if (high === 1 || chunks[high - 2]!.number < number) return high - 1;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (chunks[middle]!.number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The pane of an index, which is about to change; null when there is none. */
  find(index: number): Pane | null {
    const number = this.numberOf(index);
    const chunk = this.chunks[this.position(number)];
    if (chunk?.number !== number) return null;
    const pane = chunk.find(index);
    if (pane !== null) this.touch(chunk);
    return pane;
  }

  /** The pane of an index, to be looked at; there is one. */
  at(index: number): Pane {
    return this.chunks[this.position(this.numberOf(index))]!.find(index)!;
  }

  /** A pane for an index that has none. */
  create(index: number): Pane {
    const number = this.numberOf(index);
    const at = this.position(number);
    let chunk = this.chunks[at];
    if (chunk?.number !== number) {
      chunk = new PaneChunk(number, this.plans);
      this.insertChunk(at, chunk);
    }
    const pane = new Pane(index, this.plans);
    chunk.add(pane);
    this.touch(chunk);
    this.count++;
    return pane;
  }

  private insertChunk(at: number, chunk: PaneChunk): void {
    // An array that is pushed to begins with room for many.
    if (this.chunks.length === 0) this.chunks = [chunk];
    else if (at === this.chunks.length) this.chunks.push(chunk);
    else this.chunks.splice(at, 0, chunk);
  }

  remove(index: number): void {
    const at = this.position(this.numberOf(index));
    const chunk = this.chunks[at]!;
    chunk.remove(index);
    this.touch(chunk);
    this.count--;
    if (chunk.count === 0) this.chunks.splice(at, 1);
  }

  /** The newest pane, to be looked at; null when there is none. */
  get newest(): Pane | null {
    return this.chunks.at(-1)?.newest ?? null;
  }

  /** The lowest index at or above the given one; null when there is none. */
  indexFrom(index: number): number | null {
    const number = this.numberOf(index);
    let at = index === -Infinity ? 0 : this.position(number);
    const chunk = this.chunks[at];
    if (chunk === undefined) return null;
    if (chunk.number === number) {
      const found = chunk.indexFrom(index);
      if (found !== null) return found;
      at++;
    }
    return this.chunks[at]?.first ?? null;
  }

  /** The highest index below the given one; null when there is none. */
  indexBelow(index: number): number | null {
    if (index === Infinity) return this.chunks.at(-1)?.last ?? null;
    const number = this.numberOf(index);
    let at = this.position(number);
    const chunk = this.chunks[at];
    const found = chunk?.number === number ? chunk.indexBelow(index) : null;
    if (found !== null) return found;
    at--;
    return at < 0 ? null : this.chunks[at]!.last;
  }

  /** Takes from a window's aggregates the panes that leave it: from an index to below another. */
  leave(from: number, below: number, window: WindowAggregates): void {
    for (let at = from === -Infinity ? 0 : this.position(this.numberOf(from)); at < this.chunks.length; at++) {
      const chunk = this.chunks[at]!;
      if (chunk.number * this.width >= below) return;
      chunk.leave(from, below, window);
    }
  }

  /** All panes from an index on, to be looked at once. */
  look(from: number, each: (pane: Pane) => void): void {
    for (let at = from === -Infinity ? 0 : this.position(this.numberOf(from)); at < this.chunks.length; at++) {
      for (const pane of this.chunks[at]!.look()) if (pane.index >= from) each(pane);
    }
  }

  /** Forgets the panes below an index. */
  dropBelow(index: number): void {
    // Of most indexes that are asked for there is nothing below.
    if (this.chunks.length === 0 || this.chunks[0]!.first >= index) return;
    let whole = 0;
    while (whole < this.chunks.length && (this.chunks[whole]!.number + 1) * this.width <= index) whole++;
    for (const chunk of this.chunks.splice(0, whole)) {
      this.count -= chunk.count;
      this.touch(chunk);
    }
    const chunk = this.chunks[0];
    if (chunk === undefined || chunk.first >= index) return;
    this.count -= chunk.dropBelow(index);
    this.touch(chunk);
    if (chunk.count === 0) this.chunks.shift();
  }

  /**
   * Forgets panes that are not read any more: all below the index that share no chunk with one that is read. So a pane that leaves costs no
   * writing until its whole chunk goes.
   */
  expireBelow(index: number): void {
    const newest = this.chunks.at(-1);
    if (newest === undefined) return;
    const isAnyRead = newest.number * this.width >= index || this.indexFrom(index) !== null;
    this.dropBelow(isAnyRead ? Math.floor(index / this.chunkWidth) * this.chunkWidth : Infinity);
  }

  /**
   * The panes, where they are few; else those of the newest chunk. Nearly every row changes that one, and the key's own entry is written
   * anew in any case: so a row writes one entry, however many panes there are.
   */
  writeInline(out: ByteWriter): void {
    const isInline = this.count <= inlinePanes;
    out.u8(isInline ? 1 : 2);
    if (isInline) {
      if (this.width !== Infinity) this.regroup(Infinity);
      const [all] = this.chunks;
      if (all === undefined) out.varint(0);
      else all.write(out, true);
      return;
    }
    this.becomeChunks();
    this.chunks.at(-1)!.write(chunkBytes, true);
    out.sized(chunkBytes);
    this.writeNumbers(out);
  }

  /** Which chunks stand beside the newest: so whoever reads the key can ask for all of them at once. Mostly they follow each other. */
  private writeNumbers(out: ByteWriter): void {
    const { chunks } = this;
    const others = chunks.length - 1;
    out.varint(others);
    if (others === 0) return;
    const newest = chunks[others]!.number;
    const width = newest - chunks[0]!.number;
    out.varint(width);
    if (width !== others) for (let i = 1; i < others; i++) out.varint(chunks[i]!.number - chunks[i - 1]!.number);
  }

  private readNumbers(from: ByteReader, newest: number): void {
    const others = from.varint();
    if (others === 0) return;
    const width = from.varint();
    let number = newest - width;
    for (let i = 0; i < others; i++) {
      if (i > 0) number += width === others ? 1 : from.varint();
      this.stored!.add(number);
    }
  }

  private regroup(width: number): void {
    const before = this.chunks;
    this.width = width;
    this.chunks = [];
    for (const chunk of before) for (const pane of chunk.look()) this.append(pane);
  }

  private append(pane: Pane): void {
    const number = this.numberOf(pane.index);
    const last = this.chunks.at(-1);
    const chunk = last?.number === number ? last : new PaneChunk(number, this.plans);
    if (chunk !== last) this.insertChunk(this.chunks.length, chunk);
    chunk.add(pane);
  }

  readInline(from: ByteReader): void {
    if (from.u8() === 1) {
      for (const pane of readPanes(from, this.plans)) {
        this.append(pane);
        this.count++;
      }
      return;
    }
    this.becomeChunks();
    const newest = PackedPanes.of(from.raw(from.varint()));
    this.inline = this.numberOf(newest.first);
    this.addPacked(this.inline, newest);
    this.readNumbers(from, this.inline);
  }

  /** What is there is to be written in chunks from now on, if it is not already. */
  private becomeChunks(): void {
    if (this.stored !== null) return;
    this.regroup(this.chunkWidth);
    this.stored = new Set();
    this.changed = new Set(this.chunks.map(({ number }) => number));
  }

  /**
   * The chunks beside the key's own entry that changed since the last call; {@link writeInline} was called before.
   * @param take gets null for a chunk that is not there any more.
   */
  takeChunks(out: ByteWriter, take: (chunk: number, value: Buffer | null) => void): void {
    if (this.count <= inlinePanes) {
      for (const number of this.stored ?? []) take(number, null);
      this.stored = null;
      this.changed = null;
      this.inline = null;
      return;
    }
    const stored = this.stored!;
    const changed = this.changed!;
    const newest = this.chunks.at(-1)!.number;
    if (this.inline !== newest) {
      // The one of before has come out of the key's own entry, or is gone; another has gone in, perhaps from an entry of its own.
      if (this.inline !== null) changed.add(this.inline);
      changed.add(newest);
      this.inline = newest;
    }
    if (changed.size === 0) return;
    for (const number of changed.size === 1 ? changed : [...changed].sort((a, b) => a - b)) {
      const chunk = this.chunks[this.position(number)];
      if (chunk?.number !== number || number === newest) {
        if (stored.delete(number)) take(number, null);
        continue;
      }
      stored.add(number);
      chunk.write(out, false);
      take(number, out.take());
    }
    changed.clear();
  }

  private touch(chunk: PaneChunk): void {
    // The one that stands in the key's own entry is written with it, or noticed when it stands there no more: nearly every row is of it.
    if (chunk.number !== this.inline) this.changed?.add(chunk.number);
  }

  /** The chunks that are written: all go when the key is forgotten. */
  get storedChunks(): ReadonlySet<number> {
    return this.stored ?? noChunks;
  }

  /**
   * A chunk as {@link takeChunks} gave it; chunks come in any order.
   * @throws RangeError when the key's own entry does not name it, or it is there already.
   */
  readChunk(number: number, bytes: Uint8Array): void {
    const isThere = this.chunks[this.position(number)]?.number === number;
    if (isThere || this.stored?.has(number) !== true)
      throw new RangeError(`chunk ${number} is not one of those that the key's own entry names`);
    this.addPacked(number, PackedPanes.of(bytes));
  }

  private addPacked(number: number, panes: PackedPanes): void {
    const chunk = new PaneChunk(number, this.plans, panes);
    this.insertChunk(this.position(number), chunk);
    this.count += chunk.count;
  }
}
