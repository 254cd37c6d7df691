/**
 * A pipeline without I/O and without waiting, to test definitions: messages in, values out, and time passes when it is told to. The
 * same ingest and entity code as in a worker, frames included.
 */
import type { TypeOf } from '../define/column.ts';
import type { KeyFields } from '../define/entity.ts';
import { keyOf } from '../define/key.ts';
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { buildPlan } from '../define/plan-builder.ts';
import { formatTimestamp, readableValue } from '../define/value.ts';
import type { FeatureSet, Features, FeatureView } from '../define/view.ts';
import { EntityTask, type Emission } from '../entity/entity-task.ts';
import {
  decodeEntityFrame,
  encodeMarksFrame,
  encodeTickFrame,
  type Marks,
  type SourceId,
} from '../frames/row-frame.ts';
import type { Outcome } from '../ingest/outcome.ts';
import { routesOf } from '../ingest/router.ts';
import { MemoryStage, StagingBudget } from '../ingest/snapshot-stage.ts';
import { SourcePartition } from '../ingest/source-partition.ts';

/** The parts of an entity key, by the fields' names. */
export type KeyOf<Key extends KeyFields> = {
  readonly [Field in keyof Key]: Key[Field] extends { readonly kind: infer K extends keyof KeyKinds }
    ? KeyKinds[K]
    : never;
};
interface KeyKinds {
  readonly int32: number;
  readonly int64: bigint | number;
  readonly text: string;
}

export interface TestValue<V> {
  readonly values: Features<V>;
  /** T: what time the values are as of, ISO 8601 UTC. */
  readonly asOf: string;
}

export interface TestKit {
  /**
   * Takes one message of a source topic. Rows of a snapshot (`op: 'r'`) wait for the topic's first streamed row, or for {@link advanceTo}.
   * @param message Debezium's envelope as JSON text, as bytes, or as an object; null for a tombstone.
   * @returns what became of it.
   * @throws RecordError when it cannot be used, whatever the table's `onError` says.
   * @throws SourceStoppedError when a worker would stop.
   */
  feed(topic: string, message: string | Uint8Array | object | null): Outcome;
  /** Lets the sources be quiet until a time: snapshots are over, windows end. @param time ISO 8601 UTC, or a Date. */
  advanceTo(time: string | Date): void;
  /** The newest value of a key; null when none was ever emitted. */
  read<F extends FeatureSet, Key extends KeyFields>(
    view: FeatureView<F, Key>,
    key: KeyOf<Key>,
  ): TestValue<FeatureView<F, Key>> | null;
}

/**
 * @param views the feature views to be tested; all that share an entity, since they share its state.
 * @throws InvalidError `definition-invalid` when they have faults.
 * @example
 * const kit = createTestKit(userFeatures);
 * kit.feed('dbserver.public.transactions', envelope);
 * kit.read(userFeatures, { user_id: 42 })?.values.transaction_count_last_5_min; // 1n
 * kit.advanceTo('2026-01-01T01:00:00Z');
 * kit.read(userFeatures, { user_id: 42 })?.values.transaction_count_last_5_min; // 0n
 */
export function createTestKit(...views: readonly FeatureView[]): TestKit {
  const plan = buildPlan(Object.fromEntries(views.map((view) => [view.name, view])));
  const entities = plan.entities.map((entity) => new TestEntity(entity));
  const sources = new Map<string, TestSource>();
  for (const table of plan.entities.flatMap((entity) => entity.tables)) {
    const routes = routesOf(plan.entities, table.topic);
    const topicId = Buffer.from(table.topic).toString('hex').padStart(32, '0').slice(-32);
    const types = table.columns.map(({ type }) => type);
    const stage = new MemoryStage(types, new StagingBudget(Infinity));
    const options = { table, topicId, partition: 0, partitionCount: 1, routes, restored: null, stage };
    sources.set(table.topic, new TestSource(new SourcePartition(options)));
  }
  return {
    feed(topic, message) {
      const source = sources.get(topic);
      if (source === undefined) {
        throw new RangeError(`no view reads the topic "${topic}"; they read ${[...sources.keys()].join(', ')}`);
      }
      return source.feed(message, entities);
    },
    advanceTo(time) {
      const time_ms = new Date(time).getTime();
      for (const source of sources.values()) source.advanceTo(time_ms, entities);
      for (const entity of entities) entity.takeMarks(plan.entities, [...sources.values()]);
    },
    read(view, key) {
      const entity = entities.find(({ plan: { name } }) => name === view.entity.name);
      return (entity?.read(view.name, key) ?? null) as ReturnType<TestKit['read']>;
    },
  };
}

class TestSource {
  readonly partition: SourcePartition;
  private offset = 0;

  constructor(partition: SourcePartition) {
    this.partition = partition;
  }

  feed(message: string | Uint8Array | object | null, entities: readonly TestEntity[]): Outcome {
    const outcome = this.partition.accept(this.offset++, bytesOf(message), 0, 0);
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

class TestEntity {
  readonly plan: EntityPlan;
  private readonly tasks: readonly EntityTask[];
  private readonly newest = new Map<string, Emission>();
  private position = 0;

  constructor(plan: EntityPlan) {
    this.plan = plan;
    this.tasks = Array.from({ length: plan.partitions }, () => new EntityTask(plan));
  }

  apply(partition: number, bytes: Uint8Array): void {
    const task = this.tasks[partition]!;
    for (let frame = bytes; ; frame = encodeTickFrame()) {
      for (const emission of task.apply(decodeEntityFrame(frame, this.plan), this.position++)) {
        this.newest.set(`${emission.view.name}/${emission.key}`, emission);
      }
      if (!task.hasDueTimers) return;
    }
  }

  takeMarks(entities: readonly EntityPlan[], sources: readonly TestSource[]): void {
    const own: { source: SourceId; marks: Marks }[] = sources.flatMap(({ partition }) =>
      routesOf(entities, partition.table.topic)
        .filter(({ entity }) => entity === this.plan)
        .map((route) => ({ source: partition.sourceId(route), marks: partition.marks })),
    );
    const frame = encodeMarksFrame(this.plan, own);
    for (let partition = 0; partition < this.tasks.length; partition++) this.apply(partition, frame);
  }

  read(view: string, key: Readonly<Record<string, unknown>>): { values: object; asOf: string } | null {
    const parts = this.plan.key.map(({ name, kind }) => (kind === 'int64' ? BigInt(key[name] as number) : key[name]));
    const text = keyOf(parts as never, [...parts.keys()]);
    const emission = this.newest.get(`${view}/${text ?? ''}`);
    return emission === undefined ? null : readable(emission.view, emission);
  }
}

function readable(view: ViewPlan, { values, asOf_us }: Emission): { values: object; asOf: string } {
  const entries = view.features.map(({ name, type }, i): [string, TypeOf<never>] => [
    name,
    readableValue(type, values[i]!) as never,
  ]);
  return { values: Object.fromEntries(entries), asOf: formatTimestamp(BigInt(asOf_us)) };
}
