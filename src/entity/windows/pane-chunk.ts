/**
 * Panes of neighbouring indexes: those that were written and have not changed since as {@link PackedPanes}, the ones behind them as objects. A
 * row of a new pane then adds its own bytes to those that are there.
 */
import type { AggregatePlan } from '../../define/plan.ts';
import type { ByteWriter } from '../../frames/bytes.ts';
import { PackedPanes } from './packed-panes.ts';
import { lowerBound, type Pane, type WindowAggregates } from './pane.ts';

export class PaneChunk {
  /** Pane index divided by how many share a chunk. */
  readonly number: number;
  private readonly plans: readonly AggregatePlan[];
  private packed: PackedPanes | null;
  /** Behind the packed ones, in their order. */
  private panes: Pane[] = [];

  constructor(number: number, plans: readonly AggregatePlan[], packed: PackedPanes | null = null) {
    this.number = number;
    this.plans = plans;
    this.packed = packed;
  }

  get count(): number {
    return (this.packed?.count ?? 0) + this.panes.length;
  }

  /** The lowest index; there is one. */
  get first(): number {
    return this.packed === null ? this.panes[0]!.index : this.packed.first;
  }

  /** The highest index; there is one. */
  get last(): number {
    const { panes } = this;
    if (panes.length > 0) return panes[panes.length - 1]!.index;
    return this.packed!.last ?? this.unpacked().at(-1)!.index;
  }

  /** The pane of the highest index. */
  get newest(): Pane {
    return (this.panes.length > 0 ? this.panes : this.unpacked()).at(-1)!;
  }

  private unpacked(): Pane[] {
    if (this.packed !== null) {
      this.panes = [...this.packed.read(this.plans), ...this.panes];
      this.packed = null;
    }
    return this.panes;
  }

  /** The panes as objects from an index on: all, unless the packed ones are known to be below it. */
  private panesFrom(index: number): Pane[] {
    const { packed } = this;
    return packed === null || (packed.last !== null && packed.last < index) ? this.panes : this.unpacked();
  }

  /** The panes, to be looked at once. */
  look(): readonly Pane[] {
    return this.packed === null ? this.panes : [...this.packed.read(this.plans), ...this.panes];
  }

  /** The pane of an index; null when there is none. */
  find(index: number): Pane | null {
    const panes = this.panesFrom(index);
    const pane = panes[lowerBound(panes, index)];
    return pane?.index === index ? pane : null;
  }

  /** A pane of an index that has none. */
  add(pane: Pane): void {
    const panes = this.panesFrom(pane.index);
    const at = lowerBound(panes, pane.index);
    if (at < panes.length) panes.splice(at, 0, pane);
    // An array that is pushed to begins with room for many.
    else if (panes.length === 0) this.panes = [pane];
    else panes.push(pane);
  }

  remove(index: number): void {
    const panes = this.panesFrom(index);
    panes.splice(lowerBound(panes, index), 1);
  }

  /** Forgets the panes below an index. @returns how many. */
  dropBelow(index: number): number {
    const panes = this.unpacked();
    const gone = lowerBound(panes, index);
    panes.splice(0, gone);
    return gone;
  }

  /** The lowest index at or above the given one; null when there is none. */
  indexFrom(index: number): number | null {
    const { packed } = this;
    if (packed !== null) {
      if (packed.first >= index) return packed.first;
      if (!packed.isAhead(index)) this.unpacked();
      else {
        const found = packed.indexFrom(index, this.plans);
        if (found !== null) return found;
      }
    }
    return this.panes[lowerBound(this.panes, index)]?.index ?? null;
  }

  /** The highest index below the given one; null when there is none. */
  indexBelow(index: number): number | null {
    if (this.last < index) return this.last;
    const panes = this.panesFrom(index);
    const at = lowerBound(panes, index);
    return at > 0 ? panes[at - 1]!.index : (this.packed?.last ?? null);
  }

  /** Takes from a window the panes from an index to below another. */
  leave(from: number, below: number, window: WindowAggregates): void {
    if (this.packed?.isAhead(from) === false) this.unpacked();
    this.packed?.leave(from, below, this.plans, window);
    const { panes } = this;
    for (let i = lowerBound(panes, from); i < panes.length && panes[i]!.index < below; i++)
      panes[i]!.subtractFrom(window);
  }

  /**
   * What was an object becomes bytes with it: it will hardly change any more.
   * @param isNewest whether the last pane is expected to change still.
   */
  write(out: ByteWriter, isNewest: boolean): void {
    const { packed, panes, count } = this;
    out.varint(count);
    const begin = out.size_bytes;
    if (packed !== null) out.characters(packed.body);
    let before = packed?.last ?? 0;
    let lastBegins = begin;
    for (const pane of panes) {
      lastBegins = out.size_bytes;
      pane.write(out, before);
      before = pane.index;
    }
    const kept = isNewest ? 1 : 0;
    if (panes.length <= kept) return;
    const end = isNewest ? lastBegins : out.size_bytes;
    const last = panes[panes.length - 1 - kept]!.index;
    this.packed = new PackedPanes(out.charactersFrom(begin, end), count - kept, this.first, last);
    this.panes = isNewest ? [panes[panes.length - 1]!] : [];
  }
}
