/** Whether the time that frames tell is true, and the T of values is made of it as the protocol says: recounted beside the engine. */
import type { EntityPlan } from '../../define/plan.ts';
import type { EntityFrame, Marks, RowEntry, SourceId } from '../../frames/row-frame.ts';
import type { Published } from './published.ts';

interface SourceTime {
  data_us: number;
  clock_us: number;
  /** The source offset behind the last row. */
  applied: number;
  session: number;
  /** The last row of frames that counted for nothing. */
  refused: number;
}

export class TimeWitness {
  private readonly entity: EntityPlan;
  private readonly published: Published;
  private readonly violations: string[];
  /** Per table, once it has spoken, its partitions. */
  private readonly tables: (SourceTime[] | null)[];

  constructor(entity: EntityPlan, published: Published, violations: string[]) {
    this.entity = entity;
    this.published = published;
    this.violations = violations;
    this.tables = entity.tables.map(() => null);
  }

  /** The marks of the slowest source partition; −∞ until all tables have spoken. */
  get marks(): Marks {
    const all = this.tables.flatMap((table) => table ?? [{ data_us: -Infinity, clock_us: -Infinity }]);
    return {
      data_us: Math.min(...all.map(({ data_us }) => data_us)),
      clock_us: Math.min(...all.map(({ clock_us }) => clock_us)),
    };
  }

  /** Topic → per partition, how many records are applied. */
  get applied(): ReadonlyMap<string, readonly number[]> {
    const topics = this.entity.tables.map(
      ({ topic }, i) => [topic, (this.tables[i] ?? []).map(({ applied }) => applied)] as const,
    );
    return new Map(topics);
  }

  take(frame: EntityFrame): void {
    if (frame.kind === 'tick') return;
    if (frame.kind === 'marks') {
      for (const { source, marks } of frame.sources) this.raise(source, marks);
      return;
    }
    const known = this.raise(frame.source, frame.marks);
    // A frame of a session that a newer one replaced is a zombie's: it counts for nothing.
    if (frame.session < known.session) {
      known.refused = Math.max(known.refused, frame.rows.at(-1)!.offset);
      return;
    }
    known.session = frame.session;
    for (const row of frame.rows) {
      if (row.offset < known.applied) continue;
      // Known: a zombie's marks count although its rows do not, which only a later frame brings.
      if (row.offset > known.refused) this.checkRow(frame.source, row, known.clock_us);
      known.applied = row.offset + 1;
    }
  }

  private raise({ table, partition, partitionCount }: SourceId, { data_us, clock_us }: Marks): SourceTime {
    const fresh = (): SourceTime => ({ data_us: -Infinity, clock_us: -Infinity, applied: 0, session: 0, refused: -1 });
    const known = (this.tables[table] ??= Array.from({ length: partitionCount }, fresh))[partition]!;
    known.data_us = Math.max(known.data_us, data_us);
    known.clock_us = Math.max(known.clock_us, clock_us);
    return known;
  }

  /** A clock mark says that all which was sent until then, and a while after, is in the log before it. */
  private checkRow({ table, partition }: SourceId, { offset }: RowEntry, clock_us: number): void {
    const { topic, time } = this.entity.tables[table]!;
    const { sent_ms } = this.published.get(topic)![partition]![offset]!;
    const told_us = clock_us + time!.outOfOrderness_us - time!.maxAhead_us;
    if (sent_ms * 1000 + 1000 <= told_us)
      this.violations.push(
        `I7: ${topic}/${partition} offset ${offset}, sent at ${sent_ms}, comes behind a clock mark of ${clock_us}`,
      );
  }
}
