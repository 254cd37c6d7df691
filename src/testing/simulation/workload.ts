/** What people do in the simulated shop: random database transactions, in bursts and with quiet spells between. */
import type { Clock } from '../../time/clock.ts';
import type { Random } from './random.ts';
import type { Field, Fields, SimulatedDatabase, SimulatedTable, Transaction } from './simulated-database.ts';
import { amounts, locations, logins, statuses, transactions } from './tables.ts';

export interface WorkloadOptions {
  readonly database: SimulatedDatabase;
  readonly clock: Clock;
  readonly random: Random;
  /** Default 12, one of them with an id above 2^53. */
  readonly users?: number;
  /** Database transactions per second, between quiet spells. Default 20. */
  readonly rate?: number;
  /**
   * - `none` (default): no image of a row, old or new, is late for a window of a minute. New rows are at most `disorder_ms` older
   *   than their commit, their partition's data mark is at most commit + maxAhead − outOfOrderness, and rows are changed only
   *   while their minute is open. Holds while the connector is never away for longer than 50 s: after that, a heartbeat − 60 s
   *   may pass its backlog.
   * - `some`: rows minutes old, and changes of rows of any age.
   */
  readonly late?: 'none' | 'some';
}

const disorder_ms = 1_500;
const window_ms = 10_000;
const longestWindow_us = 60_000_000;

export class Workload {
  private readonly database: SimulatedDatabase;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly users: readonly bigint[];
  private readonly pause_ms: number;
  private readonly lateRows: boolean;
  /** Committed rows, those inserted last at the end. */
  private readonly live = new Map<SimulatedTable, bigint[]>();
  private known = 0;
  private nextId = 9_007_199_254_740_990n;
  private cancel: () => void = () => undefined;

  constructor(options: WorkloadOptions) {
    this.database = options.database;
    this.clock = options.clock;
    this.random = options.random;
    this.pause_ms = 1000 / (options.rate ?? 20);
    this.lateRows = options.late === 'some';
    this.users = Array.from({ length: options.users ?? 12 }, (_, i) => (i === 0 ? 9_007_199_254_740_993n : BigInt(i)));
    for (const table of [transactions, logins]) this.live.set(table, []);
  }

  start(): void {
    this.cancel = this.clock.after(this.gap_ms(), () => {
      const burst = this.random.chance(0.04) ? this.random.between(5, 20) : 1;
      for (let i = 0; i < burst; i++) this.step();
      this.start();
    });
  }

  stop(): void {
    this.cancel();
  }

  /** One database transaction now; sometimes one that overtakes another, sometimes one that is rolled back. */
  step(): void {
    const transaction = this.database.begin();
    if (this.random.chance(0.05)) {
      // It wrote first and commits last: its places in the log are lower than what the connector sends before.
      this.insert(transaction);
      this.trade();
    } else if (this.random.chance(0.06)) {
      this.insert(transaction);
      this.trade(transaction);
      transaction.rollback();
      return;
    }
    this.trade(transaction);
    transaction.commit(this.clock.now_ms());
  }

  private gap_ms(): number {
    if (this.random.chance(0.01)) return this.random.between(1_500, 6_000);
    return -Math.log(1 - this.random.next()) * this.pause_ms;
  }

  /** The statements of one transaction; without a given one, in a transaction of their own. */
  private trade(open?: Transaction): void {
    this.refresh();
    const transaction = open ?? this.database.begin();
    const statements = this.random.chance(0.3) ? this.random.between(2, 4) : 1;
    for (let i = 0; i < statements; i++) {
      const act = this.random.weighted([
        [50, 'insert'],
        [35, 'update'],
        [10, 'delete'],
        [2, 'repeat'],
      ] as const);
      this[act](transaction);
    }
    if (open === undefined) transaction.commit(this.clock.now_ms());
  }

  private insert(transaction: Transaction): void {
    const table = this.random.chance(0.65) ? transactions : logins;
    const rows = this.random.chance(0.1) ? this.random.between(2, 8) : 1;
    transaction.insert(table, ...Array.from({ length: rows }, () => this.newRow(table)));
  }

  private update(transaction: Transaction): void {
    this.change(transaction, (table, id, row) => {
      const other = this.newRow(table);
      const { [table.primaryKey]: _, [table.eventTime]: time, ...columns } = other;
      if (this.random.chance(0.4)) {
        const earlier = (row[table.eventTime] as number) - this.random.between(1, 70_000) * 1000;
        const moved = this.random.chance(0.2) && this.isChangeable(earlier) ? earlier : time!;
        transaction.update(table, id, { [table.eventTime]: moved });
        return;
      }
      const name = this.random.pick(Object.keys(columns));
      transaction.update(table, id, { [name]: columns[name]! });
    });
  }

  private delete(transaction: Transaction): void {
    this.change(transaction, (table, id) => transaction.delete(table, id));
  }

  /** UPDATE that changes nothing: Debezium sends it all the same. */
  private repeat(transaction: Transaction): void {
    this.change(transaction, (table, id) => transaction.update(table, id, {}));
  }

  /** Mostly a recent row; nothing happens when none may be changed. */
  private change(transaction: Transaction, call: (table: SimulatedTable, id: bigint, row: Fields) => void): void {
    const table = this.random.chance(0.65) ? transactions : logins;
    const ids = this.live.get(table)!;
    for (let attempt = 0; attempt < 5 && ids.length > 0; attempt++) {
      const from = this.random.chance(0.7) ? Math.max(0, ids.length - 30) : 0;
      const id = ids[this.random.between(from, ids.length - 1)]!;
      const row = transaction.row(table, id);
      if (row === null || !this.isChangeable(row[table.eventTime] as number)) continue;
      call(table, id, row);
      return;
    }
  }

  private isChangeable(time_us: number): boolean {
    const end_us = (Math.floor(time_us / longestWindow_us) + 1) * longestWindow_us;
    return this.lateRows || end_us > (this.clock.now_ms() - disorder_ms) * 1000;
  }

  private newRow(table: SimulatedTable): Fields {
    const id = { [table.primaryKey]: this.nextId++ };
    const user_id = this.user();
    if (table === transactions) {
      return {
        ...id,
        user_id: this.random.chance(0.03) ? null : user_id,
        amount: this.random.pick(amounts),
        status: this.random.pick(statuses),
        location: this.random.pick(locations),
        transaction_time: this.eventTime_us(1000),
      };
    }
    return {
      ...id,
      user_id,
      invited_by: this.random.chance(0.3) ? null : this.user(),
      device: this.random.between(-3, 3),
      success: this.random.pick<Field>([true, true, false, null]),
      login_time: this.eventTime_us(1),
    };
  }

  /** Some do more than others. */
  private user(): bigint {
    return this.users[Math.min(this.random.int(this.users.length), this.random.int(this.users.length))]!;
  }

  private eventTime_us(unit_us: number): number {
    const now_ms = this.clock.now_ms();
    const late = this.lateRows ? 6 : 0;
    const skew_ms = this.random.weighted<() => number>([
      [60, () => -this.random.int(disorder_ms)],
      [8, () => 0],
      [6, () => this.random.between(1, 400)],
      // Ahead of the clock by more than maxAhead: held until time reaches it.
      [4, () => this.random.between(400, 15_000)],
      [late, () => -this.random.between(2_000, 150_000)],
      [12, () => NaN],
    ])();
    if (Number.isNaN(skew_ms)) return this.windowEnd_us(now_ms, unit_us);
    const fraction = unit_us === 1 ? this.random.int(1000) : 0;
    return (now_ms + skew_ms) * 1000 + fraction;
  }

  /** At the end of a window, or the smallest unit before it. */
  private windowEnd_us(now_ms: number, unit_us: number): number {
    let end_ms = Math.floor(now_ms / window_ms) * window_ms;
    if (now_ms - end_ms >= disorder_ms) end_ms += window_ms;
    return end_ms * 1000 - (this.random.chance(0.5) ? unit_us : 0);
  }

  private refresh(): void {
    const { changes } = this.database;
    for (; this.known < changes.length; this.known++) {
      const { operation, table, primaryKey } = changes[this.known]!;
      const ids = this.live.get(table)!;
      if (operation === 'c') ids.push(primaryKey);
      if (operation === 'd') ids.splice(ids.indexOf(primaryKey), 1);
    }
  }
}
