/**
 * The recount: what every value of a simulated run must be, from the records alone. Written another way than the engine, keeps all
 * versions of all rows and folds them anew for each answer; imports nothing of the engine.
 *
 * A value at T is that of the rows that are live (folded by primary key) in the prefix that was applied, in the window at T. This holds
 * for windows of panes also when rows were refused as late: a row is refused only when its window lies before the one at T, and T never
 * goes back, so no value could have held it. Sessions need tables that take rows however late they come.
 */
import { keyText, recount } from './naive-oracle/recount.ts';
import type { Cell, EntitySpec, InputSpec, OracleRow, Result, TableSpec, ViewSpec } from './naive-oracle/spec.ts';
import { onlineText, resultTypes } from './naive-oracle/types.ts';
import type { Published } from './published.ts';
import type { Change, Field, Fields, SimulatedTable } from './simulated-database.ts';
import { topicOf } from './tables.ts';

/** Topic → number of records applied, for each partition. */
export type SourcePrefix = ReadonlyMap<string, readonly number[]>;

/** A row as one record has it. */
interface Version {
  readonly offset: number;
  readonly row: OracleRow | null;
  readonly pass: number;
}

/** That a key was given a row: by its insertion, or by an update. */
interface Insertion extends Version {
  readonly topic: string;
  readonly partition: number;
  /** How far it moves T at least, microseconds. */
  readonly reach_us: number;
}

/** All versions of one row, in the order of their offsets: a row never leaves its partition. */
interface History {
  readonly table: TableSpec;
  readonly topic: string;
  readonly partition: number;
  readonly versions: Version[];
}

export class NaiveOracle {
  private readonly entity: EntitySpec;
  private readonly published: Published;
  private readonly histories = new Map<string, History>();
  /** Per input and key its insertions. */
  private readonly insertions = new Map<string, Map<string, Insertion[]>>();
  /** Per input and key the rows that ever had it. */
  private readonly candidates = new Map<string, Map<string, Set<History>>>();
  private readonly newestPasses: { readonly topic: string; readonly partition: number; readonly offset: number }[] = [];
  private readonly newestPass: number;

  constructor(entity: EntitySpec, published: Published) {
    this.entity = entity;
    this.published = published;
    this.newestPass = [...published.values()].flat(2).reduce((newest, { pass }) => Math.max(newest, pass), 0);
    for (const [topic, partitions] of published) {
      partitions.forEach((_, partition) => this.takePartition(topic, partition));
    }
  }

  /** All that was published. */
  get whole(): SourcePrefix {
    return new Map([...this.published].map(([topic, partitions]) => [topic, partitions.map(({ length }) => length)]));
  }

  /** The keys that a view must have online: every one that a row ever had. */
  keysOf(view: ViewSpec): string[] {
    const keys = view.inputs.flatMap((input) => [...(this.insertions.get(inputId(input))?.keys() ?? [])]);
    return [...new Set(keys)];
  }

  /**
   * The values of a key at T, from a prefix of each source partition. Records that a restarted connector sent again count once.
   * In a snapshot a prefix is only meaningful where all partitions are behind it, since its rows are held back until then.
   */
  valuesAt(prefix: SourcePrefix, view: ViewSpec, key: string, asOf_us: number): Result[] {
    const pass = this.newestPasses.some((at) => at.offset < appliedOf(prefix, at)) ? this.newestPass : 0;
    const live = new Map<InputSpec, OracleRow[]>();
    for (const input of view.inputs) {
      const candidates = this.candidates.get(inputId(input))?.get(key) ?? [];
      const rows = [...candidates].map((history) => rowAt(history, appliedOf(prefix, history), pass));
      live.set(
        input,
        rows.filter((row): row is OracleRow => row !== null && keyText(input, row) === key),
      );
    }
    return recount(view, (input) => live.get(input)!, asOf_us);
  }

  /**
   * What T may not lie before: the newest min(event time, commit time + maxAhead) of the key's insertions, −∞ if there is none.
   * T is this, or a clock mark above it.
   */
  rowTime_us(prefix: SourcePrefix, view: ViewSpec, key: string): number {
    let newest_us = -Infinity;
    for (const input of view.inputs) {
      for (const insertion of this.insertions.get(inputId(input))?.get(key) ?? []) {
        if (insertion.pass > 0 && insertion.pass < this.newestPass) continue;
        if (insertion.offset < appliedOf(prefix, insertion)) newest_us = Math.max(newest_us, insertion.reach_us);
      }
    }
    return newest_us;
  }

  /** How many images a view was given, over all keys: its counters must account for each, whatever became of it. */
  imagesOf(view: ViewSpec): { insertions: number; retractions: number } {
    const images = { insertions: 0, retractions: 0 };
    for (const { table, keyColumns } of view.inputs) {
      const hasKey = (fields: Fields | null): boolean =>
        fields !== null && keyColumns.every((name) => (fields[name] ?? null) !== null);
      for (const record of this.published.get(topicOf(table))!.flat()) {
        if (record.repeated || record.kind === 'tombstone') continue;
        if (record.kind === 'snapshot' && record.pass !== this.newestPass) continue;
        if (hasKey(record.before)) images.retractions++;
        if (hasKey(record.after)) images.insertions++;
      }
    }
    return images;
  }

  private takePartition(topic: string, partition: number): void {
    const records = this.published.get(topic)![partition]!;
    const table = this.entity.tables.find((each) => topicOf(each) === topic);
    const first = records.findIndex(({ pass }) => pass > 0 && pass === this.newestPass);
    if (first !== -1) this.newestPasses.push({ topic, partition, offset: first });
    if (table === undefined) return;
    records.forEach(({ kind, primaryKey, after, commit_us, pass, repeated }, offset) => {
      if (repeated || kind === 'tombstone') return;
      const id = `${table.name}/${primaryKey}`;
      const history = entryOf(this.histories, id, (): History => ({ table, topic, partition, versions: [] }));
      const version = { offset, row: after && rowOf(table, after), pass };
      history.versions.push(version);
      if (version.row !== null) this.indexRow(history, version, version.row, commit_us);
    });
  }

  private indexRow(history: History, version: Version, row: OracleRow, commit_us: number): void {
    const { table, topic, partition } = history;
    const reach_us = Math.min(Number(row[table.eventTime]), commit_us + table.maxAhead_us);
    for (const input of this.entity.views.flatMap(({ inputs }) => inputs)) {
      const key = input.table === table ? keyText(input, row) : null;
      if (key === null) continue;
      const insertions = entryOf(this.insertions, inputId(input), () => new Map<string, Insertion[]>());
      entryOf(insertions, key, (): Insertion[] => []).push({ ...version, topic, partition, reach_us });
      const candidates = entryOf(this.candidates, inputId(input), () => new Map<string, Set<History>>());
      entryOf(candidates, key, () => new Set<History>()).add(history);
    }
  }
}

function entryOf<T>(map: Map<string, T>, key: string, create: () => T): T {
  let entry = map.get(key);
  if (entry === undefined) map.set(key, (entry = create()));
  return entry;
}

/** A row of the database as the oracle has rows: decimals as scaled integers, times as bigint. */
export function rowOf(table: TableSpec, fields: Fields): OracleRow {
  return Object.fromEntries(
    table.columns.map(({ name, type }): [string, Cell] => [name, cellOf(type.kind, fields[name] ?? null)]),
  );
}

function cellOf(kind: TableSpec['columns'][number]['type']['kind'], field: Field): Cell {
  if (field === null) return null;
  if (kind === 'decimal') return BigInt((field as string).replace('.', ''));
  return kind === 'timestamp' || kind === 'timestamptz' ? BigInt(field) : field;
}

/** The values of a key at T over the rows that the database has after so many changes. */
export function valuesAfter(
  changes: readonly Change[],
  count: number,
  view: ViewSpec,
  key: string,
  asOf_us: number,
): Result[] {
  const live = new Map<string, { readonly table: SimulatedTable; readonly row: Fields }>();
  for (const { table, primaryKey, after } of changes.slice(0, count)) {
    if (after === null) live.delete(`${table.name}/${primaryKey}`);
    else live.set(`${table.name}/${primaryKey}`, { table, row: after });
  }
  const rowsOf = (input: InputSpec): OracleRow[] =>
    [...live.values()]
      .filter(({ table }) => table.name === input.table.name)
      .map(({ row }) => rowOf(input.table, row))
      .filter((row) => keyText(input, row) === key);
  return recount(view, rowsOf, asOf_us);
}

/** A view's values as the online store has them: text, null for an absent field. */
export function onlineTexts(view: ViewSpec, values: readonly Result[]): (string | null)[] {
  return resultTypes(view).map((type, i) => onlineText(type, values[i]!));
}

const inputId = ({ table, keyColumns }: InputSpec): string => `${table.name}/${keyColumns.join()}`;

function appliedOf(prefix: SourcePrefix, { topic, partition }: { topic: string; partition: number }): number {
  return prefix.get(topic)?.[partition] ?? 0;
}

/** The last version in the prefix. Of a snapshot only the last pass counts: no other record deletes what is only in an earlier one. */
function rowAt({ versions }: History, applied: number, pass: number): OracleRow | null {
  const last = versions.findLast(
    (version) => version.offset < applied && (version.pass === 0 || version.pass === pass),
  );
  return last?.row ?? null;
}
