/**
 * The recount: what every value of a simulated run must be, from the records alone. Written another way than the engine, keeps all
 * versions of all rows and folds them anew for each answer; imports nothing of the engine.
 *
 * A value at T is that of the rows that are live (folded by primary key) in the prefix that was applied, of the window that
 * contains T: `r.et <= T AND r.et // size = T // size`. This holds for tumbling windows also when rows were refused as late: a row
 * is refused only when its window lies before the one that contains T, T never goes back, so no value could have held it. Other
 * windows will need the workload without late rows.
 */
import type { Published } from './published.ts';
import type { Change, Fields, SimulatedTable } from './simulated-database.ts';
import { logins, tables, topicOf, transactions } from './tables.ts';

/** Counts and timestamps are bigint (µs), decimals bigint scaled by their two digits. In the order of the view's features. */
export type OracleValues = Readonly<Record<string, bigint | number | string | null>>;

/** Rows of each table. */
export type LiveRows = (table: SimulatedTable) => readonly Fields[];

/** Topic → number of records applied, for each partition. */
export type SourcePrefix = ReadonlyMap<string, readonly number[]>;

const ten_us = 10_000_000;
const sixty_us = 60_000_000;
/** The definitions' `maxAhead`. */
const maxAhead_us = 400_000;

/** Which column of which table is the key. */
type OracleInput = readonly [table: SimulatedTable, column: string];

interface OracleView {
  readonly inputs: readonly OracleInput[];
  /** Features that are written as decimals, and as times. The rest is written as it is. */
  readonly decimals: readonly string[];
  readonly times: readonly string[];
  readonly recount: (live: LiveRows, user: bigint, asOf_us: number) => OracleValues;
}

export const oracleViews: Readonly<Record<string, OracleView>> = {
  spending: {
    inputs: [[transactions, 'user_id']],
    decimals: ['largest_60s', 'smallest_ok_10s'],
    times: ['newest_60s'],
    recount: (live, user, asOf_us) => {
      const mine = live(transactions).filter((r) => r['user_id'] === user);
      const ten = inWindow(mine, 'transaction_time', asOf_us, ten_us);
      const sixty = inWindow(mine, 'transaction_time', asOf_us, sixty_us);
      return {
        purchases_10s: BigInt(ten.length),
        purchases_60s: BigInt(sixty.length),
        ok_60s: BigInt(sixty.filter((r) => r['status'] === 'ok').length),
        cheap_elsewhere_60s: BigInt(
          sixty.filter((r) => cents(r) < 1000n && r['location'] !== null && r['location'] !== 'Oulu').length,
        ),
        largest_60s: largest(sixty.map(cents)),
        smallest_ok_10s: smallest(ten.filter((r) => r['status'] === 'ok').map(cents)) ?? 0n,
        newest_60s: largest(sixty.map((r) => BigInt(r['transaction_time'] as number))),
        place_60s: lastByCodePoints(sixty.map((r) => r['location'] as string | null)),
      };
    },
  },
  activity: {
    inputs: [
      [transactions, 'user_id'],
      [logins, 'user_id'],
    ],
    decimals: [],
    times: ['first_login_60s'],
    recount: (live, user, asOf_us) => {
      const bought = live(transactions).filter((r) => r['user_id'] === user);
      const boughtTen = inWindow(bought, 'transaction_time', asOf_us, ten_us);
      const mine = live(logins).filter((r) => r['user_id'] === user);
      const ten = inWindow(mine, 'login_time', asOf_us, ten_us);
      const sixty = inWindow(mine, 'login_time', asOf_us, sixty_us);
      return {
        bought_60s: BigInt(inWindow(bought, 'transaction_time', asOf_us, sixty_us).length),
        unplaced_10s: BigInt(boughtTen.filter((r) => r['location'] === null).length),
        logins_60s: BigInt(sixty.length),
        failures_10s: BigInt(ten.filter((r) => r['success'] === false).length),
        first_login_60s: smallest(sixty.map((r) => BigInt(r['login_time'] as number))),
        device_60s: largest(sixty.map((r) => r['device'] as number)),
      };
    },
  },
  referrals: {
    inputs: [[logins, 'invited_by']],
    decimals: [],
    times: [],
    recount: (live, user, asOf_us) => {
      const mine = live(logins).filter((r) => r['invited_by'] === user);
      const sixty = inWindow(mine, 'login_time', asOf_us, sixty_us);
      return {
        invited_10s: BigInt(inWindow(mine, 'login_time', asOf_us, ten_us).length),
        invited_60s: BigInt(sixty.length),
        highest_invited_60s: largest(sixty.map((r) => r['user_id'] as bigint)),
      };
    },
  },
};

/** A row as one record has it. */
interface Version {
  readonly offset: number;
  readonly row: Fields | null;
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
  readonly table: SimulatedTable;
  readonly topic: string;
  readonly partition: number;
  readonly versions: Version[];
}

export class NaiveOracle {
  private readonly published: Published;
  private readonly histories = new Map<string, History>();
  /** Per table and key column, all keys; per key its insertions. */
  private readonly insertions = new Map<string, Map<string, Insertion[]>>();
  /** Per table, key column, key and minute: the rows that ever stood there. No other can be in a window of that minute. */
  private readonly candidates = new Map<string, Set<History>>();
  private readonly newestPasses: { readonly topic: string; readonly partition: number; readonly offset: number }[] = [];
  private readonly newestPass: number;

  constructor(published: Published) {
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
  keysOf(view: string): string[] {
    const keys = inputsOf(view).flatMap((input) => [...(this.insertions.get(inputId(input))?.keys() ?? [])]);
    return [...new Set(keys)];
  }

  /**
   * The values of a key at T, from a prefix of each source partition. Records that a restarted connector sent again count once.
   * In a snapshot a prefix is only meaningful where all partitions are behind it, since its rows are held back until then.
   */
  valuesAt(prefix: SourcePrefix, view: string, key: string, asOf_us: number): OracleValues {
    const passes = this.newestPasses.some((at) => at.offset < appliedOf(prefix, at)) ? this.newestPass : 0;
    const live = new Map<SimulatedTable, Fields[]>(tables.map((table) => [table, []]));
    for (const input of inputsOf(view)) {
      for (const history of this.candidates.get(placeId(input, key, asOf_us)) ?? []) {
        const row = rowAt(history, appliedOf(prefix, history), passes);
        if (row !== null) live.get(history.table)!.push(row);
      }
    }
    return recount((table) => live.get(table)!, view, key, asOf_us);
  }

  /**
   * What T may not lie before: the newest min(event time, commit time + maxAhead) of the key's insertions, −∞ if there is none.
   * T is this, or a clock mark above it.
   */
  rowTime_us(prefix: SourcePrefix, view: string, key: string): number {
    let newest_us = -Infinity;
    for (const input of inputsOf(view)) {
      for (const insertion of this.insertions.get(inputId(input))?.get(key) ?? []) {
        if (insertion.pass > 0 && insertion.pass < this.newestPass) continue;
        if (insertion.offset < appliedOf(prefix, insertion)) newest_us = Math.max(newest_us, insertion.reach_us);
      }
    }
    return newest_us;
  }

  /** How many images a view was given, over all keys: its counters must account for each, whatever became of it. */
  imagesOf(view: string): { insertions: number; retractions: number } {
    const images = { insertions: 0, retractions: 0 };
    for (const [table, column] of inputsOf(view)) {
      for (const record of this.published.get(topicOf(table))!.flat()) {
        if (record.repeated || record.kind === 'tombstone') continue;
        if (record.kind === 'snapshot' && record.pass !== this.newestPass) continue;
        if (record.before !== null && record.before[column] !== null) images.retractions++;
        if (record.after !== null && record.after[column] !== null) images.insertions++;
      }
    }
    return images;
  }

  private takePartition(topic: string, partition: number): void {
    const records = this.published.get(topic)![partition]!;
    const first = records.findIndex(({ pass }) => pass > 0 && pass === this.newestPass);
    if (first !== -1) this.newestPasses.push({ topic, partition, offset: first });
    records.forEach(({ kind, table, primaryKey, after, commit_us, pass, repeated }, offset) => {
      if (repeated || kind === 'tombstone') return;
      const id = `${table.name}/${primaryKey}`;
      let history = this.histories.get(id);
      if (history === undefined) {
        history = { table, topic, partition, versions: [] };
        this.histories.set(id, history);
      }
      const version = { offset, row: after, pass };
      history.versions.push(version);
      if (after !== null) this.indexRow(history, version, after, commit_us);
    });
  }

  private indexRow(history: History, version: Version, row: Fields, commit_us: number): void {
    const { table, topic, partition } = history;
    const time_us = row[table.eventTime] as number;
    for (const column of ['user_id', 'invited_by']) {
      const value = row[column] ?? null;
      if (value === null) continue;
      const input = [table, column] as const;
      const key = String(value);
      const reach_us = Math.min(time_us, commit_us + maxAhead_us);
      const keys = entryOf(this.insertions, inputId(input), () => new Map<string, Insertion[]>());
      entryOf(keys, key, (): Insertion[] => []).push({ ...version, topic, partition, reach_us });
      entryOf(this.candidates, placeId(input, key, time_us), () => new Set<History>()).add(history);
    }
  }
}

function entryOf<T>(map: Map<string, T>, key: string, create: () => T): T {
  let entry = map.get(key);
  if (entry === undefined) map.set(key, (entry = create()));
  return entry;
}

/** The rows that the database has after so many changes. */
export function liveAt(changes: readonly Change[], count: number): LiveRows {
  const live = new Map<string, { readonly table: SimulatedTable; readonly row: Fields }>();
  for (const { table, primaryKey, after } of changes.slice(0, count)) {
    if (after === null) live.delete(`${table.name}/${primaryKey}`);
    else live.set(`${table.name}/${primaryKey}`, { table, row: after });
  }
  return (table) => [...live.values()].filter((entry) => entry.table === table).map(({ row }) => row);
}

/** The values of a key at T over given rows. @throws RangeError for a view that is not simulated. */
export function recount(live: LiveRows, view: string, key: string, asOf_us: number): OracleValues {
  return viewOf(view).recount(live, BigInt(key), asOf_us);
}

/** A view's values as the online store has them: text, null for an absent field. */
export function onlineTexts(view: string, values: OracleValues): (string | null)[] {
  const { decimals, times } = viewOf(view);
  return Object.entries(values).map(([name, value]) => {
    if (value === null) return null;
    if (decimals.includes(name)) return decimalText(value as bigint);
    return times.includes(name) ? timeText(value as bigint) : String(value);
  });
}

function viewOf(view: string): OracleView {
  const found = oracleViews[view];
  if (found === undefined) throw new RangeError(`the oracle knows no view "${view}"`);
  return found;
}

const inputsOf = (view: string): OracleView['inputs'] => viewOf(view).inputs;
const inputId = ([table, column]: OracleInput): string => `${table.name}/${column}`;
const placeId = (input: OracleInput, key: string, time_us: number): string =>
  `${inputId(input)}/${key}/${Math.floor(time_us / sixty_us)}`;

function appliedOf(prefix: SourcePrefix, { topic, partition }: { topic: string; partition: number }): number {
  return prefix.get(topic)?.[partition] ?? 0;
}

/** The last version in the prefix. Of a snapshot only the last pass counts: no other record deletes what is only in an earlier one. */
function rowAt({ versions }: History, applied: number, pass: number): Fields | null {
  const last = versions.findLast(
    (version) => version.offset < applied && (version.pass === 0 || version.pass === pass),
  );
  return last?.row ?? null;
}

function inWindow(rows: readonly Fields[], eventTime: string, asOf_us: number, size_us: number): Fields[] {
  return rows.filter((r) => {
    const time_us = r[eventTime] as number;
    return time_us <= asOf_us && Math.floor(time_us / size_us) === Math.floor(asOf_us / size_us);
  });
}

const cents = (row: Fields): bigint => BigInt((row['amount'] as string).replace('.', ''));

function largest<T extends bigint | number>(values: readonly T[]): T | null {
  return values.reduce<T | null>((best, value) => (best === null || value > best ? value : best), null);
}

function smallest<T extends bigint | number>(values: readonly T[]): T | null {
  return values.reduce<T | null>((best, value) => (best === null || value < best ? value : best), null);
}

function lastByCodePoints(texts: readonly (string | null)[]): string | null {
  const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  // UTF-8 sorts as its code points do.
  return (
    texts
      .filter((text) => text !== null)
      .sort(order)
      .at(-1) ?? null
  );
}

function decimalText(value: bigint): string {
  const digits = String(value < 0n ? -value : value).padStart(3, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** `2026-01-02T03:04:05.123456Z` */
function timeText(time_us: bigint): string {
  const micros = String(time_us % 1000n).padStart(3, '0');
  return new Date(Number(time_us / 1000n)).toISOString().replace('Z', `${micros}Z`);
}
