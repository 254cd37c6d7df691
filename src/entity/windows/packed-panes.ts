import type { AggregatePlan } from '../../define/plan.ts';
import { ByteReader } from '../../frames/bytes.ts';
import { subtractWritten } from '../aggregates/single-value.ts';
import { Pane, type WindowAggregates } from './pane.ts';

/**
 * Panes as the bytes that are written: they are many, and each is looked at only once more, when it leaves its window. They leave in their
 * order, so there is a place up to which they were read, which only moves on.
 */
export class PackedPanes {
  /** A character for each byte: as {@link ByteWriter.charactersFrom}. */
  readonly body: string;
  readonly count: number;
  /** The lowest index. */
  readonly first: number;
  /** The highest index; null when it was not said. */
  readonly last: number | null;
  /** The index of the pane that is next, and behind it the place of the rest of it, 0 before the first; how many were passed, the last of them. */
  private next: number;
  private at = 0;
  private passed = 0;
  private passedLast = -Infinity;

  constructor(body: string, count: number, first: number, last: number | null) {
    this.body = body;
    this.count = count;
    this.first = first;
    this.last = last;
    this.next = first;
  }

  /** Of what {@link PaneChunk.write} gave: how many, and the panes. */
  static of(bytes: Uint8Array): PackedPanes {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const from = new ByteReader(buffer);
    const count = from.varint();
    const body = buffer.toString('latin1', from.offset);
    return new PackedPanes(body, count, from.zigzag(), null);
  }

  read(plans: readonly AggregatePlan[]): Pane[] {
    const from = new ByteReader(this.bytes());
    const panes: Pane[] = [];
    let index = 0;
    for (let rest = this.count; rest > 0; rest--) {
      index += from.zigzag();
      panes.push(Pane.read(from, index, plans));
    }
    return panes;
  }

  /** Whether all at or above an index are still ahead of the place. */
  isAhead(index: number): boolean {
    return this.passedLast < index;
  }

  /** The lowest index at or above one that {@link isAhead}; null when there is none. */
  indexFrom(index: number, plans: readonly AggregatePlan[]): number | null {
    if (this.passed < this.count && this.next < index) this.pass(index, plans, nothing);
    return this.passed < this.count ? this.next : null;
  }

  /** Takes from a window the panes from an index that {@link isAhead} to below another. */
  leave(from: number, below: number, plans: readonly AggregatePlan[], window: WindowAggregates): void {
    if (this.passed < this.count && this.next < from) this.pass(from, plans, nothing);
    this.pass(below, plans, window);
  }

  private bytes(): Buffer {
    return Buffer.from(this.body, 'latin1');
  }

  private pass(below: number, plans: readonly AggregatePlan[], window: WindowAggregates): void {
    if (this.passed === this.count || this.next >= below) return;
    const from = new ByteReader(this.bytes(), this.at);
    if (this.at === 0) from.zigzag();
    do {
      from.varint();
      for (let a = 0; a < plans.length; a++) subtractWritten(window[a] ?? null, from, plans[a]!.state);
      this.passedLast = this.next;
      this.passed++;
      if (this.passed < this.count) this.next += from.zigzag();
    } while (this.passed < this.count && this.next < below);
    this.at = from.offset;
  }
}

const nothing: WindowAggregates = [];
