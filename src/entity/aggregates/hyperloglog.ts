import type { Scalar, Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, PaneChanges, RowOrder } from './aggregate.ts';
import { cardinality } from './cardinality.ts';
import { hash, hashed } from './hash.ts';
import { compareNumbers, withoutNegativeZero } from './scalars.ts';
import { SortedMultiset } from './sorted-multiset.ts';

/** More than there are ranks: an observation is a register times this, plus a rank. */
const ranks = 64;
/** A register in use costs a sorted list about as much as so many registers of an array. */
const sparseCost = 16;

/**
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier, 2007): a value falls to one register, and its rank there is the number of leading zeros
 * of its hash, and one. A pane keeps the highest rank of each register, while few are in use as a sorted list, then as an array; no row
 * can be taken back. A window keeps, of each register, the ranks of all its panes, so that panes can leave. What panes tell windows,
 * and what windows take, is therefore observations, not values.
 */
export class HyperLogLog implements Aggregate {
  private readonly precision: number;
  private readonly isPane: boolean;
  private readonly observations = new SortedMultiset<number>(compareNumbers);
  /** The rank of each register of a pane that uses many; then there are no observations. */
  private dense: Uint8Array | null = null;
  /** How many registers are not empty. */
  private used = 0;
  /** How many registers have each rank. Null while nobody asks: as in the panes of windows that have several. */
  private counts: number[] | null = null;

  constructor(precision: number, isPane: boolean) {
    this.precision = precision;
    this.isPane = isPane;
  }

  get isEmpty(): boolean {
    return this.used === 0;
  }

  insert(value: Value, at: RowOrder, changes: PaneChanges | null): void {
    if (value === null) return;
    if (!this.isPane) {
      this.addObservation(value as number, 1);
      return;
    }
    hash(withoutNegativeZero(value as Scalar));
    const { precision } = this;
    const register = hashed.high >>> (32 - precision);
    const rest = hashed.high << precision;
    const rank = rest !== 0 ? Math.clz32(rest) + 1 : 33 - precision + Math.clz32(hashed.low);
    const before = this.rankOf(register);
    if (rank <= before) return;
    this.raise(register, before, rank);
    if (before > 0) changes?.retract(register * ranks + before, at);
    changes?.insert(register * ranks + rank, at);
  }

  retract(value: Value, _at: RowOrder, _changes: PaneChanges | null): boolean {
    if (value === null) return true;
    return !this.isPane && this.removeObservation(value as number, 1);
  }

  add(pane: HyperLogLog): void {
    pane.forEach((observation, count) => {
      this.addObservation(observation, count);
    });
  }

  subtract(pane: HyperLogLog): void {
    pane.forEach((observation, count) => {
      this.removeObservation(observation, count);
    });
  }

  /** Where most registers are in use, the rank of each; else the observations, by their distance. */
  write(out: ByteWriter): void {
    out.varint(this.used);
    if (this.isMostlyUsed) {
      out.raw(this.dense!);
      return;
    }
    let before = 0;
    this.forEach((observation) => {
      out.varint(observation - before);
      before = observation;
    });
  }

  read(from: ByteReader): void {
    this.used = from.varint();
    if (this.isMostlyUsed) {
      this.dense = new Uint8Array(from.raw(this.registers));
      return;
    }
    let observation = 0;
    for (let rest = this.used; rest > 0; rest--) this.observations.add((observation += from.varint()));
    if (this.isLarge) this.becomeDense();
  }

  estimate(): bigint {
    if (this.counts === null) {
      const counts = new Array<number>(66 - this.precision).fill(0);
      counts[0] = this.registers;
      this.counts = counts;
      for (const register of this.registersInUse()) this.recount(0, this.rankOf(register));
    }
    return BigInt(Math.round(cardinality(this.counts, this.registers)));
  }

  private get registers(): number {
    return 2 ** this.precision;
  }

  private get isLarge(): boolean {
    return this.used * sparseCost > this.registers;
  }

  private get isMostlyUsed(): boolean {
    return this.used * 2 > this.registers;
  }

  private rankOf(register: number): number {
    if (this.dense !== null) return this.dense[register]!;
    const highest = this.observations.floor(register * ranks + ranks - 1) ?? 0;
    return Math.max(0, highest - register * ranks);
  }

  /** Of a pane. */
  private raise(register: number, before: number, rank: number): void {
    if (before === 0) this.used++;
    this.recount(before, rank);
    if (this.dense !== null) {
      this.dense[register] = rank;
      return;
    }
    if (before > 0) this.observations.remove(register * ranks + before);
    this.observations.add(register * ranks + rank);
    if (this.isLarge) this.becomeDense();
  }

  private becomeDense(): void {
    const dense = new Uint8Array(this.registers);
    this.observations.forEach((observation) => {
      dense[Math.floor(observation / ranks)] = observation % ranks;
    });
    this.observations.clear();
    this.dense = dense;
  }

  /** To a window. */
  private addObservation(observation: number, count: number): void {
    const register = Math.floor(observation / ranks);
    const before = this.rankOf(register);
    this.observations.add(observation, count);
    if (before === 0) this.used++;
    this.recount(before, Math.max(before, observation % ranks));
  }

  /** From a window. @returns false when it is not there. */
  private removeObservation(observation: number, count: number): boolean {
    const register = Math.floor(observation / ranks);
    const before = this.rankOf(register);
    if (this.observations.remove(observation, count) < count) return false;
    const after = this.rankOf(register);
    if (after === 0) this.used--;
    this.recount(before, after);
    return true;
  }

  private recount(before: number, after: number): void {
    if (this.counts === null) return;
    this.counts[before]!--;
    this.counts[after]!++;
  }

  private registersInUse(): Set<number> {
    const registers = new Set<number>();
    this.forEach((observation) => registers.add(Math.floor(observation / ranks)));
    return registers;
  }

  private forEach(visit: (observation: number, count: number) => void): void {
    if (this.dense === null) {
      this.observations.forEach(visit);
      return;
    }
    for (let register = 0; register < this.dense.length; register++) {
      const rank = this.dense[register]!;
      if (rank > 0) visit(register * ranks + rank, 1);
    }
  }
}
