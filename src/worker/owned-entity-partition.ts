/** An entity partition that this worker owns: its task, its replay, and its values between the online store and the feature log. */
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { EntityTask } from '../entity/entity-task.ts';
import { encodeFeatureFrame, type FeatureRow } from '../frames/feature-frame.ts';
import type { TopicPartition } from '../log/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { EntityMetrics } from './entity-metrics.ts';
import type { PendingValue, ValueOwner } from './online-writer.ts';

/** Rows of one feature-log record at most. */
const frameRows = 1000;

export class OwnedEntityPartition implements ValueOwner {
  readonly at: TopicPartition;
  readonly entity: EntityPlan;
  readonly task: EntityTask;
  /** Frames below were committed before: they rebuild the state and emit nothing. */
  readonly replayUntil: number;
  /** The next position to be applied. */
  next: number;
  committed: number;
  released = false;
  tickUnderWay = false;
  /** Acknowledged values that the feature log does not have, in the order of their positions. */
  private readonly visible: PendingValue[] = [];

  readonly metrics: EntityMetrics;

  constructor(at: TopicPartition, entity: EntityPlan, start: number, committed: number, metrics: Metrics) {
    this.at = at;
    this.entity = entity;
    this.task = new EntityTask(entity);
    this.next = start;
    this.replayUntil = committed;
    this.committed = committed;
    this.metrics = new EntityMetrics(this.task, at.partition, metrics);
    if (!this.isRestoring) this.metrics.restored();
  }

  get isRestoring(): boolean {
    return this.next < this.replayUntil;
  }

  acknowledged(values: readonly PendingValue[]): void {
    this.visible.push(...values);
  }

  /** The feature-log records of all acknowledged values below a position, oldest first. */
  takeFeatureFrames(below: number): { frames: Buffer[]; rows: number } {
    let count = 0;
    while (count < this.visible.length && this.visible[count]!.emission.position < below) count++;
    const byView = new Map<ViewPlan, FeatureRow[]>();
    for (const { emission, visibleAt_us } of this.visible.splice(0, count)) {
      const { view, key, position, asOf_us, values } = emission;
      const row = { key, position, asOf_us, created_us: visibleAt_us, values };
      const rows = byView.get(view);
      if (rows === undefined) byView.set(view, [row]);
      else rows.push(row);
    }
    const frames = [...byView].flatMap(([view, rows]) =>
      chunks(rows, frameRows).map((chunk) => encodeFeatureFrame(view, this.entity.generation, chunk)),
    );
    return { frames, rows: count };
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
