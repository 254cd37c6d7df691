/**
 * A pipeline without I/O and without waiting, to test definitions: messages or rows in, values out, and time passes when it is told to.
 * The same ingest and entity code as in a worker, frames included.
 */
import type { Column } from '../define/column.ts';
import type { KeyFields, KeyKind } from '../define/entity.ts';
import { buildPlan } from '../define/plan-builder.ts';
import type { Columns, DerivedColumns, Table } from '../define/table.ts';
import type { FeatureSet, Features, FeatureView } from '../define/view.ts';
import type { Outcome } from '../ingest/outcome.ts';
import { routesOf } from '../ingest/router.ts';
import { MemoryStage, StagingBudget } from '../ingest/snapshot-stage.ts';
import { SourcePartition } from '../ingest/source-partition.ts';
import { cellsOf, rowMessage, type Cells, type RowMessage } from './row-message.ts';
import type { DropReason } from './drop-reason.ts';
import type { StateSize } from './state-size.ts';
import { TestEntity } from './test-entity.ts';
import type { TestRow } from './test-row.ts';

/** The parts of an entity key, by the fields' names. */
export type KeyOf<Key extends KeyFields> = {
  readonly [Field in keyof Key]: Key[Field] extends Column<infer K extends KeyKind> ? KeyKinds[K] : never;
};
interface KeyKinds {
  readonly int32: number;
  readonly int64: bigint | number;
  readonly text: string;
}

/** The values of a key, and what time they are as of. */
export interface TestValue<V> {
  /** By the features' names, typed as {@link Features} has them. */
  readonly values: Features<V>;
  /** T: what time the values are as of, ISO 8601 UTC. */
  readonly asOf: string;
}

/** A row of the feature log, as it would be in Parquet. */
export interface TestLogRow<V> extends TestValue<V> {
  /** The parts of the entity key, by the fields' names. */
  readonly key: Readonly<Record<string, unknown>>;
}

/** A message or row that was not counted, by all views or by some. */
export interface DroppedRow {
  /** Its source topic. */
  readonly topic: string;
  /** As it was fed. */
  readonly message: unknown;
  /** Why it was not counted. */
  readonly reason: Exclude<Outcome, 'row' | 'staged' | 'tombstone'> | DropReason;
}

/** What may be said of a row that the kit writes. */
export interface RowOptions {
  /** When the database commits it, ISO 8601 UTC. Default: the row's event time, or that of the newest row before it if that is later. */
  readonly committedAt?: string;
}

/** The key columns of a row. */
type PrimaryKey<C extends Columns> = Partial<TestRow<C>>;

/** What {@link createTestKit} gives: changes go in, values come out, and time passes when it is told to. */
export interface TestKit {
  /**
   * Takes one message of a source topic. Rows of a snapshot (`op: 'r'`) wait for the topic's first streamed row, or for {@link advanceTo}.
   * @param message Debezium's envelope as JSON text, as bytes, or as an object; null for a tombstone.
   * @returns what became of it.
   * @throws RecordError when it cannot be used, whatever the table's `onError` says.
   * @throws SourceStoppedError when a worker would stop.
   */
  feed(topic: string, message: string | Uint8Array | object | null): Outcome;
  /**
   * Inserts a row into a table.
   * @throws RangeError when the row does not fit the table, or there is one with this primary key.
   * @example kit.insert(transactions, { transaction_id: 1, user_id: 42, amount: '19.99', transaction_time: '2026-01-01T00:00:05Z' });
   */
  insert<C extends Columns, D extends DerivedColumns>(
    table: Table<C, boolean, D>,
    row: TestRow<C>,
    options?: RowOptions,
  ): Outcome;
  /**
   * Changes columns of a row that was inserted.
   * @param row its primary key, and what changes.
   * @throws RangeError when there is no such row.
   * @example kit.update(transactions, { transaction_id: 1, amount: '0.99' });
   */
  update<C extends Columns, D extends DerivedColumns>(
    table: Table<C, boolean, D>,
    row: Partial<TestRow<C>>,
    options?: RowOptions,
  ): Outcome;
  /**
   * Deletes a row that was inserted.
   * @throws RangeError when there is no such row.
   * @example kit.delete(transactions, { transaction_id: 1 });
   */
  delete<C extends Columns, D extends DerivedColumns>(
    table: Table<C, boolean, D>,
    primaryKey: PrimaryKey<C>,
    options?: RowOptions,
  ): Outcome;
  /** Lets the sources be quiet until a time: snapshots are over, windows end. @param time ISO 8601 UTC, or a Date. */
  advanceTo(time: string | Date): void;
  /** The newest value of a key; null when none was ever emitted. */
  read<F extends FeatureSet, Key extends KeyFields, D extends DerivedColumns>(
    view: FeatureView<F, Key, D>,
    key: KeyOf<Key>,
  ): TestValue<FeatureView<F, Key, D>> | null;
  /**
   * All values of a view that were given out, the oldest first.
   * @example kit.featureLog(refusals).map(({ values }) => values.declined_this_hour) // [1n, 2n, 0n]
   */
  featureLog<F extends FeatureSet, Key extends KeyFields, D extends DerivedColumns>(
    view: FeatureView<F, Key, D>,
  ): TestLogRow<FeatureView<F, Key, D>>[];
  /**
   * What the entity of a view keeps, of all its views.
   * @example expect(kit.stateSize(userFeatures).keys).toBe(0); // all windows are over
   */
  stateSize(view: FeatureView): StateSize;
  /**
   * What was not counted, and why: rows that came late, that were seen before, that a snapshot replaced, or that took back what was not
   * there.
   * @example expect(kit.dropped()).toEqual([]);
   */
  dropped(): readonly DroppedRow[];
}

/**
 * @param views the feature views to be tested; all that share an entity, since they share its state.
 * @throws InvalidError `definition-invalid` when they have faults.
 * @example
 * const kit = createTestKit(userFeatures);
 * kit.insert(transactions, { transaction_id: 1, user_id: 42, amount: '5.00', transaction_time: '2026-01-01T00:00:05Z' });
 * kit.read(userFeatures, { user_id: 42 })?.values.transaction_count_last_5_min; // 1n
 * kit.advanceTo('2026-01-01T01:00:00Z');
 * kit.read(userFeatures, { user_id: 42 })?.values.transaction_count_last_5_min; // 0n
 */
export function createTestKit(...views: readonly FeatureView[]): TestKit {
  return new Pipeline(views);
}

class Pipeline implements TestKit {
  private readonly entities: readonly TestEntity[];
  private readonly sources: ReadonlyMap<string, TestSource>;
  private readonly drops: DroppedRow[] = [];
  private readonly rows = new TestRows();

  constructor(views: readonly FeatureView[]) {
    const plan = buildPlan(Object.fromEntries(views.map((view) => [view.name, view])));
    this.entities = plan.entities.map((entity) => new TestEntity(entity));
    const sources = plan.entities
      .flatMap((entity) => entity.tables)
      .map((table): [string, TestSource] => {
        const routes = routesOf(plan.entities, table.topic);
        const topicId = Buffer.from(table.topic).toString('hex').padStart(32, '0').slice(-32);
        const types = table.columns.map(({ type }) => type);
        const stage = new MemoryStage(types, new StagingBudget(Infinity));
        const options = { table, topicId, partition: 0, partitionCount: 1, routes, restored: null, stage };
        return [table.topic, new TestSource(new SourcePartition(options))];
      });
    this.sources = new Map(sources);
  }

  feed(topic: string, message: string | Uint8Array | object | null): Outcome {
    return this.take(topic, message, bytesOf(message));
  }

  insert(table: Table, row: object, options: RowOptions = {}): Outcome {
    return this.change(table, this.rows.insert(table, row as never, options), row);
  }

  update(table: Table, row: object, options: RowOptions = {}): Outcome {
    return this.change(table, this.rows.update(table, row as never, options), row);
  }

  delete(table: Table, primaryKey: object, options: RowOptions = {}): Outcome {
    return this.change(table, this.rows.delete(table, primaryKey as never, options), primaryKey);
  }

  advanceTo(time: string | Date): void {
    const time_ms = new Date(time).getTime();
    const partitions = [...this.sources.values()].map(({ partition }) => partition);
    for (const source of this.sources.values()) source.advanceTo(time_ms, this.entities);
    const plans = this.entities.map(({ plan }) => plan);
    for (const entity of this.entities) entity.takeMarks(plans, partitions);
  }

  read(view: FeatureView, key: object): never {
    return (this.entityOf(view)?.read(view.name, key as never) ?? null) as never;
  }

  featureLog(view: FeatureView): never[] {
    return (this.entityOf(view)?.featureLog(view.name) ?? []) as never[];
  }

  stateSize(view: FeatureView): StateSize {
    return this.entityOf(view)?.stateSize() ?? { keys: 0, bytes: 0 };
  }

  dropped(): readonly DroppedRow[] {
    return this.drops;
  }

  private entityOf({ entity }: FeatureView): TestEntity | undefined {
    return this.entities.find(({ plan }) => plan.name === entity.name);
  }

  private change(table: Table, message: RowMessage, row: object): Outcome {
    return this.take(table.topic, row, rowMessage(table, message));
  }

  private take(topic: string, message: unknown, bytes: Uint8Array | null): Outcome {
    const source = this.sources.get(topic);
    if (source === undefined) {
      throw new RangeError(`no view reads the topic "${topic}"; they read ${[...this.sources.keys()].join(', ')}`);
    }
    const outcome = source.feed(bytes, this.entities);
    if (outcome !== 'row' && outcome !== 'staged' && outcome !== 'tombstone')
      this.drops.push({ topic, message, reason: outcome });
    for (const entity of this.entities) {
      const counts = entity.takeDropped();
      for (const reason of ['late', 'unmatched'] as const)
        if (counts[reason] > 0) this.drops.push({ topic, message, reason });
    }
    return outcome;
  }
}

/** The rows of all tables, as the database would have them. */
class TestRows {
  private readonly live = new Map<string, Cells>();
  private newest_us = 0;
  private sequence = 0;

  insert(table: Table, row: Readonly<Record<string, unknown>>, options: RowOptions): RowMessage {
    const after = cellsOf(table, row);
    const id = idOf(table, after);
    if (this.live.has(id)) throw new RangeError(`${table.name} has the row already: ${id}`);
    this.live.set(id, after);
    return this.message(table, 'c', null, after, options);
  }

  update(table: Table, row: Readonly<Record<string, unknown>>, options: RowOptions): RowMessage {
    const [id, before] = this.existing(table, row);
    const changes = cellsOf({ ...table, columns: pick(table.columns, Object.keys(row)) }, row);
    const after = { ...before, ...changes };
    this.live.set(id, after);
    return this.message(table, 'u', before, after, options);
  }

  delete(table: Table, row: Readonly<Record<string, unknown>>, options: RowOptions): RowMessage {
    const [id, before] = this.existing(table, row);
    this.live.delete(id);
    return this.message(table, 'd', before, null, options);
  }

  private existing(table: Table, row: Readonly<Record<string, unknown>>): [string, Cells] {
    const key = cellsOf({ ...table, columns: pick(table.columns, table.primaryKey) }, pick(row, table.primaryKey));
    const id = idOf(table, key);
    const cells = this.live.get(id);
    if (cells === undefined) throw new RangeError(`${table.name} has no such row: ${id}`);
    return [id, cells];
  }

  private message(
    table: Table,
    operation: RowMessage['operation'],
    before: Cells | null,
    after: Cells | null,
    { committedAt }: RowOptions,
  ): RowMessage {
    const event = table.time === null ? null : (after ?? before)![table.time.event];
    const time_us = committedAt === undefined ? Number(event ?? 0) : Date.parse(committedAt) * 1000;
    // A row far ahead is not committed then: its clock is wrong.
    const commit_us = committedAt === undefined && this.newest_us > 0 ? Math.max(this.newest_us, time_us) : time_us;
    this.newest_us = commit_us;
    return { operation, before, after, commit_us, sequence: ++this.sequence };
  }
}

const idOf = (table: Table, cells: Cells): string =>
  [table.topic, ...table.primaryKey.map((name) => String(cells[name]))].join(' ');

function pick<T>(from: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
}

class TestSource {
  readonly partition: SourcePartition;
  private offset = 0;

  constructor(partition: SourcePartition) {
    this.partition = partition;
  }

  feed(message: Uint8Array | null, entities: readonly TestEntity[]): Outcome {
    const outcome = this.partition.accept(this.offset++, message, 0, 0);
    this.deliver(entities);
    return outcome;
  }

  /** The connector streams, and has nothing to say until then. */
  advanceTo(time_ms: number, entities: readonly TestEntity[]): void {
    this.partition.release(0);
    this.deliver(entities);
    this.partition.caughtUp(time_ms, -Infinity, null);
  }

  private deliver(entities: readonly TestEntity[]): void {
    for (const { entity, partition, bytes } of this.partition.takeFrames()) {
      entities.find(({ plan }) => plan === entity)!.apply(partition, bytes);
    }
  }
}

function bytesOf(message: string | Uint8Array | object | null): Uint8Array | null {
  if (message === null || message instanceof Uint8Array) return message;
  return Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
}
