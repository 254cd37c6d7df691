/** Random histories of an entity's tables, and the frames that an ingest makes of them, for property tests of the entity task. */
import * as fc from 'fast-check';
import type { EntityPlan, Row } from '../../src/define/plan.ts';
import {
  decodeEntityFrame,
  encodeMarksFrame,
  encodeRowsFrame,
  encodeTickFrame,
  type EntityFrame,
  type Marks,
  type RowEntry,
  type RowsFrame,
  type SourceId,
} from '../../src/frames/row-frame.ts';
import { route, routesOf } from '../../src/ingest/router.ts';
import { SourceMarks } from '../../src/ingest/source-marks.ts';
import type { NaiveTask } from '../../src/testing/simulation/naive-oracle/naive-task.ts';
import type { EntitySpec, OracleRow, TableSpec } from '../../src/testing/simulation/naive-oracle/spec.ts';
import { Random } from '../../src/testing/simulation/random.ts';
import { randomRow, second_us } from './entity-spec.ts';

const start_us = 1_800_000_000_000_000;
/** Room for rows that a test puts between two. */
export const offsetStep = 10;

/** Seconds between an event and its commit: within disorder mostly, at times late or ahead of its commit. */
const skew_s = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -5, max: 0 }) },
  { weight: 2, arbitrary: fc.integer({ min: -40, max: -5 }) },
  fc.integer({ min: -700, max: 400 }),
);

/** One step of a random history: a change of one of few rows, or silence. */
export const historyStep = fc.record({
  table: fc.nat({ max: 2 }),
  id: fc.nat({ max: 11 }),
  row: fc.noBias(fc.nat()),
  skew_s,
  /** Microseconds beside a whole second, where windows end. */
  beside_us: fc.constantFrom(0, 0, -1, 1, 400_000),
  delete: fc.nat({ max: 2 }).map((n) => n === 0),
  /** An update that leaves the event time as it was. */
  keepTime: fc.boolean(),
  pass_s: fc.oneof({ weight: 6, arbitrary: fc.nat({ max: 3 }) }, fc.nat({ max: 400 })),
  idle: fc.nat({ max: 9 }).map((n) => n === 0),
  flush: fc.nat({ max: 3 }).map((n) => n === 0),
  /** The ingest dies, and the next one sends again what it is not sure of. */
  restart: fc.nat({ max: 15 }).map((n) => n === 0),
});
export type HistoryStep = typeof historyStep extends fc.Arbitrary<infer T> ? T : never;

export const histories = fc.array(historyStep, { minLength: 1, maxLength: 80, size: 'max' });
/** Rows that come about as late as sessions are long. */
export const lateHistories = fc.array(
  fc.tuple(historyStep, fc.integer({ min: -40, max: 0 })).map(([step, skew]) => ({ ...step, skew_s: skew })),
  { minLength: 1, maxLength: 80, size: 'max' },
);

/** What a frame tells: the oracle takes it beside the engine. */
export interface HistoryFrame {
  readonly frame: EntityFrame;
  readonly tell: (naive: NaiveTask) => void;
}

interface Change {
  readonly table: TableSpec;
  readonly before: OracleRow | null;
  readonly after: OracleRow | null;
  readonly commit_us: number;
}

interface Source {
  readonly id: SourceId;
  readonly marks: SourceMarks;
  /** As the last frame told them. */
  told: Marks;
  framed: Marks;
  session: number;
  number: number;
  offset: number;
  pending: { readonly entry: RowEntry; readonly change: Change }[];
  /** What a restarted ingest sends again. */
  sent: RowEntry[];
}

export interface HistoryOptions {
  /** No row is older than the bound of its table, and changed rows are as of now. */
  readonly punctual?: boolean;
  /** Source partitions of each table. Default 2: the slower one holds back time. */
  readonly partitions?: number;
  /** Default 3. */
  readonly users?: number;
}

const unknown: Marks = { data_us: -Infinity, clock_us: -Infinity };

export class History {
  readonly frames: HistoryFrame[] = [];
  private readonly plan: EntityPlan;
  private readonly spec: EntitySpec;
  private readonly options: HistoryOptions;
  private readonly live = new Map<string, OracleRow>();
  private readonly sources: readonly Source[];
  private now_us = start_us;

  constructor(spec: EntitySpec, plan: EntityPlan, options: HistoryOptions = {}) {
    this.spec = spec;
    this.plan = plan;
    this.options = options;
    const { partitions: partitionCount = 2 } = options;
    this.sources = plan.tables.flatMap((table, index) =>
      Array.from({ length: partitionCount }, (_, partition): Source => ({
        id: { table: index, topicId: String(index).repeat(32), partition, partitionCount },
        marks: new SourceMarks(table.time, -Infinity),
        ...{ told: unknown, framed: unknown, session: 1, number: 0, offset: 0, pending: [], sent: [] },
      })),
    );
  }

  take(steps: readonly HistoryStep[]): void {
    for (const step of steps) {
      this.now_us += step.pass_s * second_us;
      this.change(step);
      if (step.flush || step.idle) this.flush();
      if (step.restart) this.restart(this.sources[step.row % this.sources.length]!);
      if (step.idle) this.silence();
    }
    this.flush();
  }

  /** Time passes, longer than all windows, and nothing happens. */
  end(): void {
    for (let i = 0; i < 8; i++) {
      this.now_us += 120 * second_us;
      this.silence();
      this.push(encodeTickFrame(), () => undefined);
    }
  }

  private change(step: HistoryStep): void {
    const table = this.spec.tables[step.table % this.spec.tables.length]!;
    const id = `${table.name} ${step.id}`;
    const before = this.live.get(id) ?? null;
    if (before !== null && table.appendOnly) return;
    const after = step.delete && before !== null ? null : this.newRow(table, step, before);
    const own = this.sources.filter((source) => this.plan.tables[source.id.table]!.name === table.name);
    const source = own[step.id % own.length]!;
    this.append(source, { table, before, after, commit_us: this.now_us });
    if (after === null) this.live.delete(id);
    else this.live.set(id, after);
  }

  private newRow(table: TableSpec, step: HistoryStep, before: OracleRow | null): OracleRow {
    const skew_s = this.options.punctual === true ? Math.max(-4, Math.min(step.skew_s, 50)) : step.skew_s;
    const time_us = this.now_us + skew_s * second_us + step.beside_us;
    const row = randomRow(new Random(step.row), table, step.id, time_us, this.options.users);
    if (before === null || !step.keepTime || this.options.punctual === true) return row;
    return { ...row, [table.eventTime]: before[table.eventTime]! };
  }

  private append(source: Source, change: Change): void {
    const { table, before, after, commit_us } = change;
    const plan = this.plan.tables[source.id.table]!;
    const rowOf = (row: OracleRow | null): Row | null => row && plan.columns.map(({ name }) => row[name]!);
    const images = { before: rowOf(before), after: rowOf(after) };
    source.marks.row(Number((after ?? before)![table.eventTime]), commit_us);
    // There is one entity partition: every route leads to it.
    let routes = 0;
    route(routesOf([this.plan], plan.topic)[0]!, images.before, images.after, (_, bits) => (routes |= bits));
    const operation = before === null ? 'c' : after === null ? 'd' : 'u';
    source.offset += offsetStep;
    const entry: RowEntry = { offset: source.offset, operation, commit_us, ingest_ms: 0, routes, ...images };
    source.pending.push({ entry, change });
  }

  private flush(): void {
    for (const source of this.sources) {
      if (source.pending.length === 0) continue;
      const pending = source.pending.splice(0);
      const entries = pending.map(({ entry }) => entry);
      this.pushRows(
        source,
        entries,
        pending.map(({ change }) => change),
      );
      source.sent.push(...entries);
    }
  }

  /** In frames of another size than before. */
  private restart(source: Source): void {
    const again = source.sent.slice(-5);
    source.session++;
    source.number = 0;
    source.sent = [];
    if (again.length > 0) this.pushRows(source, again, []);
  }

  private pushRows(source: Source, rows: RowEntry[], changes: readonly Change[]): void {
    const { framed, session } = source;
    const frame = { source: source.id, session, number: source.number++, marks: framed, rows };
    source.framed = source.marks.marks;
    source.told = {
      data_us: Math.max(source.told.data_us, framed.data_us),
      clock_us: Math.max(source.told.clock_us, framed.clock_us),
    };
    const marks = this.toldMarks();
    this.push(encodeRowsFrame(this.plan, frame), (naive) => {
      naive.takeMarks(marks);
      for (const { table, before, after, commit_us } of changes) naive.change(table, before, after, commit_us);
    });
  }

  private silence(): void {
    for (const source of this.sources) {
      source.marks.caughtUp(this.now_us / 1000, this.now_us / 1000 - 2000, this.now_us / 1000);
      source.told = source.marks.marks;
    }
    const told = this.sources.map(({ id, marks }) => ({ source: id, marks: marks.marks }));
    const marks = this.toldMarks();
    this.push(encodeMarksFrame(this.plan, told), (naive) => {
      naive.takeMarks(marks);
    });
  }

  /** Of the slowest source partition. */
  private toldMarks(): Marks {
    return {
      data_us: Math.min(...this.sources.map(({ told }) => told.data_us)),
      clock_us: Math.min(...this.sources.map(({ told }) => told.clock_us)),
    };
  }

  private push(bytes: Uint8Array, tell: HistoryFrame['tell']): void {
    this.frames.push({ frame: decodeEntityFrame(bytes, this.plan), tell });
  }
}

export const isRowsFrame = (frame: EntityFrame): frame is RowsFrame => frame.kind === 'rows';
