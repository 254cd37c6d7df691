/** The entity tasks of a test kit, and all that they gave out. */
import type { TypeOf } from '../define/column.ts';
import { keyOf, parseKey } from '../define/key.ts';
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { formatTimestamp, readableValue } from '../define/value.ts';
import { EntityTask, type Emission } from '../entity/entity-task.ts';
import { parseStateKey } from '../entity/state-key.ts';
import {
  decodeEntityFrame,
  encodeMarksFrame,
  encodeTickFrame,
  type Marks,
  type SourceId,
} from '../frames/row-frame.ts';
import { routesOf } from '../ingest/router.ts';
import type { SourcePartition } from '../ingest/source-partition.ts';
import type { DropReason } from './drop-reason.ts';
import type { StateSize } from './state-size.ts';

export interface Readable {
  readonly values: object;
  readonly asOf: string;
}

export class TestEntity {
  readonly plan: EntityPlan;
  private readonly tasks: readonly EntityTask[];
  private readonly newest = new Map<string, Emission>();
  private readonly emissions: Emission[] = [];
  /** How many bytes each entry of the state has, by its key. */
  private readonly stored = new Map<string, number>();
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
        this.emissions.push(emission);
      }
      if (!task.hasDueTimers) return;
    }
  }

  takeMarks(entities: readonly EntityPlan[], sources: readonly SourcePartition[]): void {
    const own: { source: SourceId; marks: Marks }[] = sources.flatMap((partition) =>
      routesOf(entities, partition.table.topic)
        .filter(({ entity }) => entity === this.plan)
        .map((route) => ({ source: partition.sourceId(route), marks: partition.marks })),
    );
    const frame = encodeMarksFrame(this.plan, own);
    for (let partition = 0; partition < this.tasks.length; partition++) this.apply(partition, frame);
  }

  /** Images of rows that were not counted since the last call, by their reason. */
  takeDropped(): Record<DropReason, number> {
    const dropped = { late: 0, unmatched: 0 };
    for (const { insertions, retractions } of this.tasks.map((task) => task.takeCounters())) {
      dropped.late += insertions.late + retractions.late;
      dropped.unmatched += insertions.unmatched + retractions.unmatched;
    }
    return dropped;
  }

  read(view: string, key: Readonly<Record<string, unknown>>): Readable | null {
    const parts = this.plan.key.map(({ name, kind }) => (kind === 'int64' ? BigInt(key[name] as number) : key[name]));
    const text = keyOf(parts as never, [...parts.keys()]);
    const emission = this.newest.get(`${view}/${text ?? ''}`);
    return emission === undefined ? null : readable(emission.view, emission);
  }

  featureLog(view: string): (Readable & { readonly key: object })[] {
    return this.emissions
      .filter((emission) => emission.view.name === view)
      .map((emission) => {
        const parts = parseKey(emission.key, this.plan.key);
        const key = Object.fromEntries(this.plan.key.map(({ name }, i) => [name, parts[i]]));
        return { key, ...readable(emission.view, emission) };
      });
  }

  stateSize(): StateSize {
    this.tasks.forEach((task, partition) => {
      for (const { key, value } of task.takeChanges()) {
        const id = `${partition}/${Buffer.from(key).toString('hex')}`;
        if (value === null || parseStateKey(key) === null) this.stored.delete(id);
        else this.stored.set(id, key.length + value.length);
      }
    });
    return {
      keys: this.tasks.reduce((sum, task) => sum + task.size, 0),
      bytes: [...this.stored.values()].reduce((sum, bytes) => sum + bytes, 0),
    };
  }
}

function readable(view: ViewPlan, { values, asOf_us }: Emission): Readable {
  const entries = view.features.map(({ name, type }, i): [string, TypeOf<never>] => [
    name,
    readableValue(type, values[i]!) as never,
  ]);
  return { values: Object.fromEntries(entries), asOf: formatTimestamp(BigInt(asOf_us)) };
}
