/**
 * Owners of feature-log partitions over one object store, driven as `src/worker/offline-runner.ts` drives its tasks, but one
 * step at a time and with every fault that a step can have.
 */
import { expect } from 'vitest';
import { count, featureView, max, tumbling } from '../../src/index.ts';
import { buildPlan } from '../../src/define/plan-builder.ts';
import type { EntityPlan, ViewPlan } from '../../src/define/plan.ts';
import { encodeFeatureFrame, type FeatureRow } from '../../src/frames/feature-frame.ts';
import type { ObjectStore } from '../../src/offline/object-store.ts';
import {
  newestObjects,
  objectPrefix,
  OfflineTask,
  type CutFile,
  type FlushLimits,
} from '../../src/offline/offline-task.ts';
import { encodeRecords } from '../../src/offline/parquet-encoder.ts';
import { readRange } from '../../src/offline/parquet.ts';
import { transactions, user, userFeatures } from './shop.ts';

const userTotals = featureView('user_totals', {
  entity: user,
  from: { tx: transactions.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({
    serial: count(tx).over(tumbling('1h')),
    last: max(tx.transaction_time).over(tumbling('1h')),
  }),
});

/** Two views, of which the first feature of each can hold any number. */
export const entity: EntityPlan = buildPlan({ userFeatures, userTotals }).entities[0]!;

const day_us = 86_400_000_000;
const firstDay_us = Date.UTC(2026, 11, 30) * 1000;
export const dayOf = (us: number): string => new Date(us / 1000).toISOString().slice(0, 10);

/** One record of the feature log to be: of which view, how far from the last, and the day and key of each row. */
export interface RecordShape {
  readonly view: number;
  readonly gap: number;
  readonly rows: readonly { readonly day: number; readonly key: number; readonly isNext: boolean }[];
}

export interface LoggedRecord {
  readonly offset: number;
  readonly view: ViewPlan;
  readonly value: Uint8Array;
  readonly rows: readonly FeatureRow[];
}

/** A feature log as an entity task writes it: offsets with gaps, positions that grow, no key twice at one position of a view. */
export function logOf(shapes: readonly RecordShape[]): LoggedRecord[] {
  let [offset, position, serial] = [0, 0, 0];
  return shapes.map((shape) => {
    offset += shape.gap;
    const view = entity.views[shape.view]!;
    const used = new Set<number>();
    position++;
    const rows = shape.rows.map(({ day, key, isNext }): FeatureRow => {
      if (isNext || used.has(key)) {
        position++;
        used.clear();
      }
      used.add(key);
      const asOf_us = firstDay_us + day * day_us + (serial % 7) * 3_600_000_000;
      const values = [BigInt(serial++), BigInt(asOf_us), ...(view.features.length === 3 ? [null] : [])];
      // Never goes back, and a value that was replaced before it was visible has its successor's.
      const created_us = firstDay_us + (serial >> 1) * 1_000_003;
      return { key: String(key), position, asOf_us, created_us, values };
    });
    return { offset, view, value: encodeFeatureFrame(view, entity.generation, rows), rows };
  });
}

/** What becomes of a request to the store. */
export type Fault = 'none' | 'refused' | 'answer lost' | 'crash before' | 'crash after';

/** One incarnation of a task: from its assignment to its end. */
class Owner {
  readonly task: OfflineTask;
  private readonly log: readonly LoggedRecord[];
  private readonly putting = new Map<ViewPlan, { readonly file: CutFile; readonly body: Uint8Array }>();
  private read_records: number;
  private now_ms = 0;

  constructor(task: OfflineTask, log: readonly LoggedRecord[], start: number) {
    this.task = task;
    this.log = log;
    const index = log.findIndex(({ offset }) => offset >= start);
    this.read_records = index === -1 ? log.length : index;
  }

  read(records: number): void {
    for (const { offset, value } of this.log.slice(this.read_records, this.read_records + records)) {
      this.task.accept(offset, value, this.now_ms);
      this.read_records++;
    }
  }

  pass(ms: number): void {
    this.now_ms += ms;
    this.task.cutAged(this.now_ms);
  }

  /** Starts a put of the view if none is under way; the store gets it in a later step. False when there is nothing to put. */
  begin(view: ViewPlan): boolean {
    const file = this.task.nextPut(view);
    if (file !== null && !this.putting.has(view))
      this.putting.set(view, { file, body: encodeRecords(this.task.contentOf(file)) });
    return this.putting.has(view);
  }

  /** Sends the put that is under way, for the first time or again. True when the owner dies of it. */
  async send(view: ViewPlan, store: ObjectStore, fault: Fault): Promise<boolean> {
    const put = this.putting.get(view);
    if (put === undefined || fault === 'refused') return false;
    if (fault === 'crash before') return true;
    const outcome = await store.create(put.file.name, put.body);
    if (fault === 'crash after') return true;
    if (fault === 'answer lost') return false;
    this.putting.delete(view);
    const own = put.file.records.at(-1)!.offset;
    this.task.stored(
      put.file,
      outcome === 'created' ? own : readRange(put.file.name, (await store.read(put.file.name))!).last,
    );
    return false;
  }

  /** Reads all and puts all. */
  async finish(store: ObjectStore): Promise<void> {
    this.read(Infinity);
    this.task.cutAll();
    for (const view of entity.views) {
      let puts = 0;
      while (this.begin(view)) {
        await this.send(view, store, 'none');
        // Each put settles a record at least.
        if (++puts > this.log.length + 1) throw new Error(`the puts of ${view.name} make no progress`);
      }
    }
  }
}

/** A feature-log partition with its group offset, its owner, and former owners that do not know it yet. */
export class Partition {
  readonly log: readonly LoggedRecord[];
  readonly partition: number;
  readonly store: ObjectStore;
  readonly zombies: Owner[] = [];
  private readonly limits: readonly FlushLimits[];
  private committed: number | null = null;
  private current: Owner | null = null;
  private owners = 0;

  /** @param limits of the first owner, the second, …, and again from the first. */
  constructor(partition: number, log: readonly LoggedRecord[], store: ObjectStore, limits: readonly FlushLimits[]) {
    this.partition = partition;
    this.log = log;
    this.store = store;
    this.limits = limits;
  }

  get owner(): Owner {
    return this.current!;
  }

  /** A new owner, as the runner's `assigned` makes it. `meanwhile` happens between its questions to broker and store. */
  async assign(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const start = this.committed ?? 0;
    const newest = new Map<string, string | undefined>();
    for (const view of entity.views) {
      const names = await this.store.list(objectPrefix(view, entity.generation));
      newest.set(view.name, newestObjects(names).get(this.partition));
    }
    await meanwhile();
    const stored = new Map<string, number>();
    for (const [view, name] of newest) {
      if (name !== undefined) stored.set(view, readRange(name, (await this.store.read(name))!).last);
    }
    const limits = this.limits[this.owners++ % this.limits.length]!;
    this.current = new Owner(new OfflineTask(entity, this.partition, limits, start, stored), this.log, start);
  }

  /** Only the owner's commit is taken: the broker fences the others. */
  async commit(): Promise<void> {
    const { done } = this.owner.task;
    expect(done, 'the group offset never goes back').toBeGreaterThanOrEqual(this.committed ?? 0);
    this.committed = done;
    const ranges = new Map<string, { readonly first: number; readonly last: number }[]>();
    for (const view of entity.views) {
      const names = (await this.store.list(objectPrefix(view, entity.generation))).filter((name) =>
        name.includes(`/${this.partition}-`),
      );
      const read = names.map(async (name) => readRange(name, (await this.store.read(name))!));
      ranges.set(view.name, await Promise.all(read));
    }
    const below = this.log.filter(({ offset }) => offset < done);
    const missing = below.filter(
      ({ view, offset }) => !ranges.get(view.name)!.some(({ first, last }) => first <= offset && offset <= last),
    );
    expect(
      missing.map(({ offset }) => offset),
      `records below ${done} that are in no object`,
    ).toEqual([]);
  }
}
