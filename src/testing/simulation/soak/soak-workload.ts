/**
 * What people do in a shop that is open for weeks: regulars, and visitors who come once and stay away for good. The database keeps rows for
 * a while only.
 */
import type { Clock } from '../../../time/clock.ts';
import type { Random } from '../random.ts';
import type { Field, Fields, SimulatedDatabase, SimulatedTable } from '../simulated-database.ts';
import { amounts, locations, logins, statuses, transactions } from '../tables.ts';
import { allowedLateness_us, day_us, hour_us, longest_us, outOfOrderness_us } from './soak-views.ts';

export interface SoakWorkloadOptions {
  readonly database: SimulatedDatabase;
  readonly clock: Clock;
  readonly random: Random;
  /** Between two database transactions, on the average, in milliseconds of the timers. */
  readonly pause_ms: number;
  /** How likely a transaction is to bring a visitor. */
  readonly newcomers: number;
}

const regulars = 8;
/** How many of the rows that are to be deleted go in one transaction. */
const housekeepingRows = 20;

interface Visitor {
  readonly user: bigint;
  readonly leaves_us: number;
}

/** A row that may be changed still. */
interface Recent {
  readonly table: SimulatedTable;
  readonly id: bigint;
  readonly inserted_us: number;
}

export class SoakWorkload {
  /** Keys that there ever were. */
  users = regulars;
  private readonly options: SoakWorkloadOptions;
  private visitors: Visitor[] = [];
  private recent: Recent[] = [];
  private nextId = 1n;
  private cancel: () => void = () => undefined;

  constructor(options: SoakWorkloadOptions) {
    this.options = options;
  }

  start(): void {
    const { clock, random, pause_ms } = this.options;
    this.cancel = clock.after(-Math.log(1 - random.next()) * pause_ms, () => {
      this.step();
      this.start();
    });
  }

  stop(): void {
    this.cancel();
  }

  private get now_us(): number {
    return this.options.clock.now_ms() * 1000;
  }

  private step(): void {
    const { random, newcomers } = this.options;
    const { now_us } = this;
    if (random.chance(newcomers))
      this.visitors.push({ user: BigInt(++this.users), leaves_us: now_us + random.between(hour_us, day_us) });
    this.visitors = this.visitors.filter(({ leaves_us }) => leaves_us > now_us);
    this.recent = this.recent.filter(({ inserted_us }) => inserted_us > now_us - allowedLateness_us / 2);
    const act = random.weighted([
      [60, 'insert'],
      [25, 'update'],
      [10, 'delete'],
      [5, 'keepHouse'],
    ] as const);
    this[act]();
  }

  private insert(): void {
    const { database, clock, random } = this.options;
    const transaction = database.begin();
    const table = random.chance(0.6) ? transactions : logins;
    const rows = Array.from({ length: random.chance(0.1) ? random.between(2, 5) : 1 }, () => this.newRow(table));
    transaction.insert(table, ...rows);
    transaction.commit(clock.now_ms());
    for (const row of rows) this.recent.push({ table, id: row[table.primaryKey] as bigint, inserted_us: this.now_us });
  }

  private update(): void {
    const { database, clock, random } = this.options;
    if (this.recent.length === 0) return;
    const { table, id } = random.pick(this.recent);
    const { [table.primaryKey]: _, [table.eventTime]: __, ...columns } = this.newRow(table);
    const name = random.pick(Object.keys(columns));
    const transaction = database.begin();
    transaction.update(table, id, { [name]: columns[name]! });
    transaction.commit(clock.now_ms());
  }

  private delete(): void {
    const { database, clock, random } = this.options;
    if (this.recent.length === 0) return;
    const [{ table, id }] = this.recent.splice(random.int(this.recent.length), 1) as [Recent];
    const transaction = database.begin();
    transaction.delete(table, id);
    transaction.commit(clock.now_ms());
  }

  /** Rows stand in the order in which they were inserted. */
  private keepHouse(): void {
    const { database, clock } = this.options;
    const transaction = database.begin();
    for (const table of database.tables) {
      let left = housekeepingRows;
      for (const [id, row] of database.rows(table)) {
        if (left-- === 0 || (row[table.eventTime] as number) > this.now_us - longest_us) break;
        transaction.delete(table, id);
      }
    }
    transaction.commit(clock.now_ms());
  }

  private newRow(table: SimulatedTable): Fields {
    const { random } = this.options;
    const id = { [table.primaryKey]: this.nextId++ };
    if (table === transactions) {
      return {
        ...id,
        user_id: this.user(),
        amount: random.pick(amounts),
        status: random.pick(statuses),
        location: random.pick(locations),
        transaction_time: this.eventTime_us(),
      };
    }
    return {
      ...id,
      user_id: this.user(),
      invited_by: random.chance(0.3) ? null : this.user(),
      device: random.between(0, 5),
      success: random.pick<Field>([true, true, false, null]),
      login_time: this.eventTime_us(),
    };
  }

  private user(): bigint {
    const { random } = this.options;
    if (this.visitors.length === 0 || random.chance(0.3)) return BigInt(random.between(1, regulars));
    return random.pick(this.visitors).user;
  }

  /** Mostly a little old; sometimes ahead of the clock by hours, and held until then. */
  private eventTime_us(): number {
    const { clock, random } = this.options;
    const skew_ms = random.chance(0.03)
      ? random.between(0, hour_us / 500)
      : -random.int((outOfOrderness_us * 0.8) / 1000);
    return (clock.now_ms() + skew_ms) * 1000;
  }
}
