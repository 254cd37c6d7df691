/** The panes of a series that hold rows, in the order of time, and their bytes: within the key's own entry, or in chunks beside it. */
import type { AggregatePlan } from '../../define/plan.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate } from '../aggregates/aggregate.ts';
import { createAggregate } from '../aggregates/create-aggregate.ts';

export interface Pane {
  readonly index: number;
  /** Rows of the series' inputs, whatever filters say: at 0 the pane is as if it had never been. */
  rows: number;
  readonly aggregates: readonly Aggregate[];
}

/** A series with more panes than this is stored in chunks, so that a row of a long window does not rewrite all of it. */
const inlinePanes = 8;

export class PaneStore {
  readonly panes: Pane[] = [];
  private readonly plans: readonly AggregatePlan[];
  /** How many pane indexes share a chunk. */
  private readonly chunkWidth: number;
  /** Chunks that are written, as of the last {@link takeChunks}; null while all stands in the key's own entry. */
  private stored: Set<number> | null = null;
  /** Of the stored ones, those that differ since. */
  private readonly dirty = new Set<number>();

  constructor(plans: readonly AggregatePlan[], chunkWidth: number) {
    this.plans = plans;
    this.chunkWidth = chunkWidth;
  }

  get isEmpty(): boolean {
    return this.panes.length === 0;
  }

  /** Where the first pane at or above the index stands. */
  lowerBound(index: number): number {
    const { panes } = this;
    let high = panes.length;
    // Most rows are of the newest pane, or of a new one behind it.
    if (high === 0 || panes[high - 1]!.index < index) return high;
    if (high === 1 || panes[high - 2]!.index < index) return high - 1;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (panes[middle]!.index < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  find(index: number): Pane | undefined {
    const pane = this.panes[this.lowerBound(index)];
    return pane?.index === index ? pane : undefined;
  }

  /** The pane of an index, which is about to change. */
  obtain(index: number): Pane {
    const at = this.lowerBound(index);
    let pane = this.panes[at];
    if (pane?.index !== index) {
      pane = { index, rows: 0, aggregates: this.plans.map(({ state }) => createAggregate(state, 'pane')) };
      this.panes.splice(at, 0, pane);
    }
    this.touch(index);
    return pane;
  }

  remove(index: number): void {
    this.panes.splice(this.lowerBound(index), 1);
    this.touch(index);
  }

  /** Forgets so many of the oldest panes. */
  dropOldest(count: number): void {
    for (const { index } of this.panes.splice(0, count)) this.touch(index);
  }

  /** A pane changed. */
  touch(index: number): void {
    if (this.stored !== null) this.dirty.add(this.chunkOf(index));
  }

  private chunkOf(index: number): number {
    return Math.floor(index / this.chunkWidth);
  }

  /** The panes, if they stand in the key's own entry; else only that they do not. */
  writeInline(out: ByteWriter): void {
    const isInline = this.panes.length <= inlinePanes;
    out.u8(isInline ? 1 : 2);
    if (isInline) writePanes(out, this.panes);
  }

  readInline(from: ByteReader): void {
    if (from.u8() === 1) this.readPanes(from);
    else this.stored = new Set();
  }

  /**
   * The chunks that changed since the last call.
   * @param take gets null for a chunk that is not there any more.
   */
  takeChunks(out: ByteWriter, take: (chunk: number, value: Buffer | null) => void): void {
    const before = this.stored;
    if (this.panes.length <= inlinePanes) {
      for (const chunk of before ?? []) take(chunk, null);
      this.stored = null;
      this.dirty.clear();
      return;
    }
    const changed = before === null ? new Set(this.panes.map(({ index }) => this.chunkOf(index))) : this.dirty;
    this.stored ??= new Set();
    for (const chunk of [...changed].sort((a, b) => a - b)) {
      const panes = this.panes.slice(
        this.lowerBound(chunk * this.chunkWidth),
        this.lowerBound((chunk + 1) * this.chunkWidth),
      );
      if (panes.length === 0) {
        if (this.stored.delete(chunk)) take(chunk, null);
        continue;
      }
      this.stored.add(chunk);
      writePanes(out, panes);
      take(chunk, out.take());
    }
    this.dirty.clear();
  }

  /** The chunks that are written: all go when the key is forgotten. */
  get storedChunks(): Iterable<number> {
    return this.stored ?? [];
  }

  /** A chunk as {@link takeChunks} gave it; chunks come in any order. */
  readChunk(chunk: number, from: ByteReader): void {
    (this.stored ??= new Set()).add(chunk);
    this.readPanes(from);
  }

  private readPanes(from: ByteReader): void {
    const read: Pane[] = [];
    let index = 0;
    for (let rest = from.varint(); rest > 0; rest--) {
      index += from.zigzag();
      const rows = from.varint();
      const aggregates = this.plans.map(({ state }) => {
        const aggregate = createAggregate(state, 'pane');
        aggregate.read(from);
        return aggregate;
      });
      read.push({ index, rows, aggregates });
    }
    if (read.length > 0) this.panes.splice(this.lowerBound(read[0]!.index), 0, ...read);
  }
}

function writePanes(out: ByteWriter, panes: readonly Pane[]): void {
  out.varint(panes.length);
  let before = 0;
  for (const { index, rows, aggregates } of panes) {
    out.zigzag(index - before);
    before = index;
    out.varint(rows);
    for (const aggregate of aggregates) aggregate.write(out);
  }
}
