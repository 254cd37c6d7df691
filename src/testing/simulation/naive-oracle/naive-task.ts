/** One entity partition in the plainest way: all rows in an array, and every value recounted from them. */
import { compare, eventTime_us } from './order.ts';
import { identityOf, keyText, recount } from './recount.ts';
import { SessionRows, type Moment } from './session-rows.ts';
import type { EntitySpec, FeatureSpec, InputSpec, OracleRow, Result, TableSpec, ViewSpec } from './spec.ts';

export interface NaiveMarks {
  readonly data_us: number;
  readonly clock_us: number;
}

interface NaiveKey {
  /** How far its rows moved T. */
  rowTime_us: number;
  /** By input and gap. */
  readonly sessions: Map<string, SessionRows>;
}

export class NaiveTask {
  private readonly entity: EntitySpec;
  private marks: NaiveMarks = { data_us: -Infinity, clock_us: -Infinity };
  /** The live rows of each table. */
  private readonly live = new Map<TableSpec, OracleRow[]>();
  private readonly keys = new Map<ViewSpec, Map<string, NaiveKey>>();

  constructor(entity: EntitySpec) {
    this.entity = entity;
    for (const table of entity.tables) this.live.set(table, []);
    for (const view of entity.views) this.keys.set(view, new Map());
  }

  takeMarks(marks: NaiveMarks): void {
    this.marks = marks;
  }

  change(table: TableSpec, before: OracleRow | null, after: OracleRow | null, commit_us: number): void {
    const isOther = (row: OracleRow): boolean => identityOf(table, row) !== identityOf(table, (before ?? after)!);
    this.live.set(table, [...this.live.get(table)!.filter(isOther), ...(after === null ? [] : [after])]);
    for (const view of this.entity.views) {
      for (const input of view.inputs.filter((each) => each.table === table)) {
        if (before !== null) this.retract(view, input, before);
        if (after !== null) this.insert(view, input, after, commit_us);
      }
    }
  }

  /** The end of a frame: whatever time has come to happens. */
  settle(): void {
    for (const view of this.entity.views) {
      for (const key of this.keys.get(view)!.values()) this.advance(view, key);
    }
  }

  keysOf(view: ViewSpec): string[] {
    return [...this.keys.get(view)!.keys()].sort(compare);
  }

  asOf_us(view: ViewSpec, key: string): number {
    return Math.max(this.keys.get(view)!.get(key)?.rowTime_us ?? -Infinity, this.marks.clock_us);
  }

  /** Of each value of the view, whether all that counts for it can be told: see {@link SessionRows.isKnown}. */
  known(view: ViewSpec, key: string): boolean[] {
    const sessions = this.keys.get(view)!.get(key)?.sessions;
    return valuesWhere(view, (feature) => sessions?.get(sessionId(feature))?.isKnown ?? true);
  }

  /** The values of a key at T, of the rows that were not refused. */
  values(view: ViewSpec, key: string, asOf_us: number): Result[] {
    const sessions = this.keys.get(view)!.get(key)?.sessions;
    return recount(
      view,
      (input, feature) => {
        if (feature.window.kind !== 'session') return this.rowsOf(input, key);
        return sessions?.get(sessionId(feature))?.rows ?? [];
      },
      asOf_us,
    );
  }

  /** The same of all live rows: the comparable SQL. */
  valuesOfAll(view: ViewSpec, key: string, asOf_us: number): Result[] {
    return recount(view, (input) => this.rowsOf(input, key), asOf_us);
  }

  /** The live rows of a key. */
  rowsOf(input: InputSpec, key: string): OracleRow[] {
    return this.live.get(input.table)!.filter((row) => keyText(input, row) === key);
  }

  private insert(view: ViewSpec, input: InputSpec, row: OracleRow, commit_us: number): void {
    const key = this.keyOf(view, input, row);
    if (key === null) return;
    const reach_us = Math.min(eventTime_us(input.table, row), commit_us + input.table.maxAhead_us);
    key.rowTime_us = Math.max(key.rowTime_us, reach_us);
    this.advance(view, key);
    for (const rows of this.sessionsOf(view, input, key)) rows.insert(row, this.momentOf(view, key));
  }

  private retract(view: ViewSpec, input: InputSpec, row: OracleRow): void {
    const key = this.keyOf(view, input, row);
    if (key === null) return;
    this.advance(view, key);
    for (const rows of this.sessionsOf(view, input, key)) rows.retract(row);
  }

  private keyOf(view: ViewSpec, input: InputSpec, row: OracleRow): NaiveKey | null {
    const text = keyText(input, row);
    if (text === null) return null;
    const keys = this.keys.get(view)!;
    const key = keys.get(text) ?? { rowTime_us: -Infinity, sessions: new Map<string, SessionRows>() };
    keys.set(text, key);
    return key;
  }

  private sessionsOf(view: ViewSpec, input: InputSpec, key: NaiveKey): SessionRows[] {
    return view.features.flatMap((feature, i) => {
      if (feature.input !== input.alias || feature.window.kind !== 'session') return [];
      const id = sessionId(feature);
      // Features of one session share its rows.
      const first = view.features.findIndex((other) => other.window.kind === 'session' && sessionId(other) === id);
      if (first !== i) return [];
      const rows = key.sessions.get(id) ?? new SessionRows(input.table, feature.window.gap_us);
      key.sessions.set(id, rows);
      return [rows];
    });
  }

  private advance(view: ViewSpec, key: NaiveKey): void {
    for (const rows of key.sessions.values()) rows.advance(this.momentOf(view, key));
  }

  private momentOf(view: ViewSpec, key: NaiveKey): Moment {
    const allowedLateness_us = Math.max(0, ...view.inputs.map(({ table }) => table.allowedLateness_us));
    return {
      asOf_us: Math.max(key.rowTime_us, this.marks.clock_us),
      data_us: this.marks.data_us,
      allowedLateness_us,
    };
  }
}

const sessionId = ({ input, window }: FeatureSpec): string => `${input} ${JSON.stringify(window)}`;

/** Of each value of a view, whether this holds of the feature, or of all that it is derived from. */
export function valuesWhere(view: ViewSpec, holds: (feature: FeatureSpec) => boolean): boolean[] {
  const names = new Set(view.features.filter(holds).map(({ name }) => name));
  return [
    ...view.features.map(({ name }) => names.has(name)),
    ...view.derived.map(({ left, right }) => names.has(left) && names.has(right)),
  ];
}
