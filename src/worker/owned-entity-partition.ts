/** An entity partition that this worker owns: its task, and its values between the online store and the feature log. */
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import type { EntityTask } from '../entity/entity-task.ts';
import type { StateChange } from '../entity/state-entry.ts';
import type { NoteChanges } from '../entity/timer-notes.ts';
import { encodeFeatureFrame, type FeatureRow } from '../frames/feature-frame.ts';
import type { Append, TopicPartition } from '../log/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { EntityMetrics } from './entity-metrics.ts';
import { entityPlace } from './entity-place.ts';
import { OnlineCanary } from './online-canary.ts';
import type { PendingValue, ValueOwner } from './online-writer.ts';
import type { StateOwner } from './restoring-task.ts';

/** Rows of one feature-log record at most. */
const frameRows = 1000;

/** What a restore found. */
export interface RestoredTask {
  readonly task: EntityTask;
  /** The next entity-log offset to be applied. */
  readonly position: number;
  /** How far the values reach that the online store had acknowledged; −1 when there were none. */
  readonly published: number;
}

type Phase =
  /** Its state is read; nothing of its log is. */
  | { readonly kind: 'restoring' }
  /** Frames are applied. */
  | { readonly kind: 'running'; readonly task: EntityTask; readonly metrics: EntityMetrics }
  /** It belongs to somebody else, or to a later life: nothing that is still under way counts. */
  | { readonly kind: 'released' };

/** What one commit takes of a partition, as of a position. */
export interface TaskCommit {
  readonly owned: OwnedEntityPartition;
  readonly position: number;
  readonly changes: readonly StateChange[];
  /** The number of this take, for the task to know that it is on disk. */
  readonly taken: number;
  /** What it changes of the stored timers; null while none are kept. */
  readonly notes: NoteChanges | null;
  /** The task record as of that position. */
  readonly record: (published: number) => StateChange;
}

export class OwnedEntityPartition implements ValueOwner, StateOwner {
  readonly at: TopicPartition;
  readonly entity: EntityPlan;
  readonly changelog: TopicPartition;
  readonly featureLog: TopicPartition;
  readonly taskName: string;
  canary: OnlineCanary;
  /** The next position to be applied. */
  next = 0;
  committed = 0;
  /** Timestamp of the newest record that was applied; before the first, when its life began. */
  reached_ms: number;
  private phase: Phase = { kind: 'restoring' };
  /** Of commits that are under way. */
  private takenChanges = 0;
  /** Acknowledged values that the feature log does not have, in the order of their positions. */
  private readonly visible: PendingValue[] = [];

  constructor(application: string, entity: EntityPlan, partition: number, now_ms: number) {
    const place = entityPlace(application, entity, partition);
    this.reached_ms = now_ms;
    this.at = place.at;
    this.changelog = place.changelog;
    this.featureLog = place.featureLog;
    this.taskName = place.taskName;
    this.entity = entity;
    this.canary = new OnlineCanary(this.taskName, -1);
  }

  get isReleased(): boolean {
    return this.phase.kind === 'released';
  }

  get isRestoring(): boolean {
    return this.phase.kind === 'restoring';
  }

  /** Null unless it is running. */
  get task(): EntityTask | null {
    return this.phase.kind === 'running' ? this.phase.task : null;
  }

  /** Changed keys, and values that were acknowledged, that no commit holds. */
  get uncommitted(): number {
    return this.takenChanges + this.visible.length + (this.task?.changedKeys ?? 0);
  }

  run({ task, position, published }: RestoredTask, metrics: Metrics): void {
    if (this.phase.kind !== 'restoring') return;
    this.next = position;
    this.committed = position;
    this.canary = new OnlineCanary(this.taskName, published);
    this.phase = { kind: 'running', task, metrics: new EntityMetrics(task, this.at.partition, metrics) };
  }

  release(now_ms: number): void {
    if (this.phase.kind === 'running') this.phase.metrics.leave(now_ms);
    this.phase = { kind: 'released' };
  }

  exportMetrics(now_ms: number): void {
    if (this.phase.kind === 'running') this.phase.metrics.export(now_ms);
  }

  acknowledged(values: readonly PendingValue[]): void {
    for (const value of values) if (!value.again) this.visible.push(value);
  }

  /** All that changed since the last commit, as of now. Once taken, only a restore brings it back. */
  takeCommit(): TaskCommit | null {
    if (this.task === null || this.next === this.committed) return null;
    const { next: position, task } = this;
    const { residency } = task;
    const changes = task.takeChanges();
    this.takenChanges += changes.length;
    const notes = residency.takeNotes();
    return { owned: this, position, changes, taken: residency.taken, notes, record: task.recorder(position) };
  }

  /** What was taken is in the log. */
  commitMade({ position, changes }: TaskCommit): void {
    this.committed = position;
    this.takenChanges -= changes.length;
  }

  /** The feature-log records of all acknowledged values below a position, oldest first. */
  takeFeatureFrames(below: number): { records: Append[]; rows: number } {
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
    const records = [...byView].flatMap(([view, rows]) =>
      chunks(rows, frameRows).map((chunk) => ({
        ...this.featureLog,
        key: null,
        value: encodeFeatureFrame(view, this.entity.generation, chunk),
      })),
    );
    return { records, rows: count };
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
