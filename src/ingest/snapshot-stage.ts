/** Where the rows of a first snapshot wait, by primary key. */
import type { ColumnType } from '../define/column.ts';
import type { Row } from '../define/plan.ts';
import { SourceStoppedError } from '../errors.ts';
import { ByteReader, ByteWriter } from '../frames/bytes.ts';
import { readRow, writeRow } from '../frames/row-codec.ts';

export interface StagedRow {
  readonly offset: number;
  /** Of the pass that read it. */
  readonly lsn: bigint;
  readonly row: Row;
}

export interface SnapshotStage {
  readonly size: number;
  /** Replaces the row of the same primary key; stands behind all others from now on. */
  put(primaryKey: string, staged: StagedRow): void;
  get(primaryKey: string): Row | null;
  remove(primaryKey: string): void;
  /** In the order in which they were put. The stage may be changed meanwhile, but for what stands ahead. */
  rows(): Iterable<readonly [primaryKey: string, staged: StagedRow, size_bytes: number]>;
  clear(): void;
}

/** The memory that all stages of a worker share. */
export class StagingBudget {
  readonly limit_bytes: number;
  private used = 0;

  constructor(limit_bytes: number) {
    this.limit_bytes = limit_bytes;
  }

  get used_bytes(): number {
    return this.used;
  }

  /** @throws SourceStoppedError when it is used up; nothing was taken. */
  take(bytes: number): void {
    if (this.used + bytes > this.limit_bytes) {
      throw new SourceStoppedError(
        'source-stopped',
        `the rows of the first snapshots need more than ${this.limit_bytes} bytes in this worker: they are kept in memory until ` +
          'the snapshot is over, and a minute longer. Raise MILLRACE_SNAPSHOT_BYTES, or run more workers so that each owns fewer source partitions',
      );
    }
    this.used += bytes;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}

interface Packed {
  readonly offset: number;
  readonly lsn: bigint;
  /** The encoded row, a character a byte: unlike a slice of a buffer, a replaced one is freed on its own. */
  readonly text: string;
}

/** What the runtime needs for an entry beside its key and row. */
const overhead_bytes = 120;

/** Rows in memory, encoded; a restart reads the snapshot again. */
export class MemoryStage implements SnapshotStage {
  private readonly types: readonly ColumnType[];
  private readonly budget: StagingBudget;
  /** In the order of the puts: a key that is put again is removed first. */
  private readonly packed = new Map<string, Packed>();
  private readonly out = new ByteWriter();

  constructor(types: readonly ColumnType[], budget: StagingBudget) {
    this.types = types;
    this.budget = budget;
  }

  get size(): number {
    return this.packed.size;
  }

  put(primaryKey: string, { offset, lsn, row }: StagedRow): void {
    writeRow(this.out, row, this.types);
    const packed = { offset, lsn, text: this.out.take().toString('latin1') };
    const replaced = this.packed.get(primaryKey);
    this.budget.take(sizeOf(primaryKey, packed) - (replaced === undefined ? 0 : sizeOf(primaryKey, replaced)));
    this.packed.delete(primaryKey);
    this.packed.set(primaryKey, packed);
  }

  get(primaryKey: string): Row | null {
    const packed = this.packed.get(primaryKey);
    return packed === undefined ? null : this.unpack(packed);
  }

  remove(primaryKey: string): void {
    const packed = this.packed.get(primaryKey);
    if (packed === undefined) return;
    this.budget.give(sizeOf(primaryKey, packed));
    this.packed.delete(primaryKey);
  }

  *rows(): Iterable<readonly [string, StagedRow, number]> {
    for (const [primaryKey, packed] of this.packed) {
      const { offset, lsn, text } = packed;
      yield [primaryKey, { offset, lsn, row: this.unpack(packed) }, text.length];
    }
  }

  clear(): void {
    for (const [primaryKey, packed] of this.packed) this.budget.give(sizeOf(primaryKey, packed));
    this.packed.clear();
  }

  private unpack({ text }: Packed): Row {
    return readRow(new ByteReader(Buffer.from(text, 'latin1')), this.types);
  }
}

const sizeOf = (primaryKey: string, { text }: Packed): number => overhead_bytes + primaryKey.length + text.length;
