/** The spans of traced rows from the entity log on: applied, brought online, committed. */
import type { EntityPlan } from '../define/plan.ts';
import type { Emission, EntityTask } from '../entity/entity-task.ts';
import { messageOf } from '../errors.ts';
import type { EntityFrame, RowEntry, RowsFrame } from '../frames/row-frame.ts';
import type { LogRecord, TopicPartition } from '../log/log.ts';
import { ingestSpanId, newSpanId, rowSampler, traceIdOf, type RowSampler } from '../observability/row-trace.ts';
import type { SpanName, Tracer } from '../observability/tracer.ts';
import { fineClock, type Clock } from '../time/clock.ts';

/** Of one entity partition, applied and not committed; further ones are not traced. */
const rowsLimit = 1000;

export interface EntityTracesOptions {
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly application: string;
}

/** The entity partition that a row is applied to. */
export interface TracingTask {
  readonly at: TopicPartition;
  readonly entity: EntityPlan;
  readonly isReleased: boolean;
}

/** A traced row that its task has taken. */
interface TracedRow {
  readonly traceId: string;
  readonly spanId: string;
  readonly position: number;
  readonly applied_us: number;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** A frame with traced rows, before it is applied. */
export interface TracedFrame {
  readonly owner: TracingTask;
  readonly task: EntityTask;
  readonly frame: RowsFrame;
  readonly rows: readonly RowEntry[];
  readonly position: number;
  readonly read_us: number;
  /** The source offset that the task had applied before. */
  readonly before: number;
}

export class EntityTraces {
  private readonly options: EntityTracesOptions;
  private readonly now_us: () => number;
  private readonly samplers = new Map<string, RowSampler>();
  private readonly readAt_us = new WeakMap<LogRecord, number>();
  private readonly causes = new WeakMap<Emission, TracedRow[]>();
  private readonly uncommitted = new WeakMap<TracingTask, TracedRow[]>();

  /** Null when nothing is traced: then there is nothing to call. */
  static of(options: EntityTracesOptions): EntityTraces | null {
    return options.tracer.ratio > 0 ? new EntityTraces(options) : null;
  }

  private constructor(options: EntityTracesOptions) {
    this.options = options;
    this.now_us = fineClock(options.clock);
  }

  /** Records of an entity log have come; they may have to wait before they are applied. */
  read(records: readonly LogRecord[]): void {
    const now_us = this.now_us();
    for (const record of records) this.readAt_us.set(record, now_us);
  }

  /** Null when no row of the frame is traced. To be called before the frame is applied. */
  begin(owner: TracingTask, task: EntityTask, frame: EntityFrame, record: LogRecord): TracedFrame | null {
    if (frame.kind !== 'rows') return null;
    const { topicId, partition } = frame.source;
    const sampler = this.samplerOf(topicId, partition);
    const room = rowsLimit - (this.uncommitted.get(owner)?.length ?? 0);
    const sampled = frame.rows.filter(({ offset, operation }) => operation !== 'r' && sampler.isSampled(offset));
    if (sampled.length === 0) return null;
    const read_us = this.readAt_us.get(record) ?? this.now_us();
    const before = task.sourceOffset(frame.source);
    return { owner, task, frame, rows: sampled.slice(0, room), position: record.offset, read_us, before };
  }

  applied(traced: TracedFrame, emissions: readonly Emission[]): void {
    const { owner, task, frame, rows, before } = traced;
    const applied_us = this.now_us();
    const after = task.sourceOffset(frame.source);
    for (const row of rows) {
      // Any other was seen before, or its frame is a zombie's.
      const isNew = row.offset > before && row.offset <= after;
      const known = this.recordApplied(traced, row, isNew, applied_us);
      if (!isNew) continue;
      this.keep(owner, known);
      const keys = new Set<string>();
      task.eachKeyOf(frame.source.table, row, (view, key) => keys.add(viewKey(view.index, key)));
      for (const emission of emissions) {
        if (keys.has(viewKey(emission.view.index, emission.key))) this.addCause(emission, known);
      }
    }
  }

  /** The online store has a value. @param isThis false when it has a newer one of the same key instead. */
  acknowledged(emission: Emission, isThis: boolean): void {
    const causes = this.causes.get(emission);
    if (causes === undefined) return;
    const end_us = this.now_us();
    for (const row of causes) {
      const more = { 'millrace.view': emission.view.name, 'millrace.stored': isThis ? 'this value' : 'a newer one' };
      this.record('online write', row, row.applied_us, end_us, more, null);
    }
  }

  /** A commit takes these. @returns to be called when it is made, or with what it failed with. */
  beginCommit(taken: readonly { readonly owned: TracingTask; readonly position: number }[]): (error: unknown) => void {
    const began_us = this.now_us();
    const rows = taken.flatMap(({ owned, position }) =>
      this.takeBelow(owned, position).map((row) => ({ owned, position, row })),
    );
    return (error) => {
      const end_us = this.now_us();
      for (const { owned, position, row } of rows) {
        if (error === null && owned.isReleased) continue;
        const more = { 'millrace.committed.position': position };
        this.record('commit', row, began_us, end_us, more, error === null ? null : messageOf(error));
      }
    };
  }

  private recordApplied(
    { owner, frame, position, read_us }: TracedFrame,
    row: RowEntry,
    isNew: boolean,
    applied_us: number,
  ): TracedRow {
    const { tracer, application } = this.options;
    const { topicId, partition, table } = frame.source;
    const traceId = traceIdOf({ topicId, partition }, row.offset);
    const attributes = {
      'millrace.table': owner.entity.tables[table]!.name,
      'millrace.source.topic': owner.entity.tables[table]!.topic,
      'millrace.source.partition': partition,
      'millrace.source.offset': row.offset,
      'millrace.operation': row.operation,
      'millrace.entity': owner.entity.name,
      'millrace.entity.partition': owner.at.partition,
      'millrace.position': position,
    };
    const traced = { traceId, spanId: newSpanId(), position, applied_us, attributes };
    tracer.record({
      traceId,
      spanId: traced.spanId,
      parentId: ingestSpanId(traceId, application, frame.session),
      name: 'apply',
      start_us: read_us,
      end_us: Math.max(read_us, applied_us),
      attributes: { ...attributes, 'millrace.outcome': isNew ? 'applied' : 'seen before' },
      error: null,
    });
    return traced;
  }

  private record(
    name: SpanName,
    { traceId, spanId, attributes }: TracedRow,
    start_us: number,
    end_us: number,
    more: Readonly<Record<string, string | number>>,
    error: string | null,
  ): void {
    this.options.tracer.record({
      traceId,
      spanId: newSpanId(),
      parentId: spanId,
      name,
      start_us,
      end_us: Math.max(start_us, end_us),
      attributes: { ...attributes, ...more },
      error,
    });
  }

  private keep(owner: TracingTask, row: TracedRow): void {
    const kept = this.uncommitted.get(owner);
    if (kept === undefined) this.uncommitted.set(owner, [row]);
    else kept.push(row);
  }

  private addCause(emission: Emission, row: TracedRow): void {
    const known = this.causes.get(emission);
    if (known === undefined) this.causes.set(emission, [row]);
    else known.push(row);
  }

  private takeBelow(owner: TracingTask, position: number): TracedRow[] {
    const kept = this.uncommitted.get(owner) ?? [];
    const count = kept.findIndex((row) => row.position >= position);
    return kept.splice(0, count === -1 ? kept.length : count);
  }

  private samplerOf(topicId: string, partition: number): RowSampler {
    const id = `${topicId}/${partition}`;
    let sampler = this.samplers.get(id);
    if (sampler === undefined) {
      sampler = rowSampler(this.options.tracer.ratio, { topicId, partition });
      this.samplers.set(id, sampler);
    }
    return sampler;
  }
}

const viewKey = (view: number, key: string): string => `${view}/${key}`;
