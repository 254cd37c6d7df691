/** Rows at a fixed rate, whatever becomes of them: each key in turn, and none is changed later, so that each row makes a value of its own. */
import type pg from 'pg';
import { timestampText } from '../support/transactions-load.ts';

const turn_ms = 40;

export interface SteadyRowsOptions {
  /** Users from 0. */
  readonly keys: number;
  readonly perSecond: number;
}

export class SteadyRows {
  static readonly firstId = 100_000_000;
  private readonly db: pg.Pool;
  private readonly options: SteadyRowsOptions;
  private readonly underWay = new Set<Promise<unknown>>();
  private timer: NodeJS.Timeout | null = null;
  private started_ms = 0;
  private due = 0;
  private before = 0;
  private failure: Error | null = null;

  constructor(db: pg.Pool, options: SteadyRowsOptions) {
    this.db = db;
    this.options = options;
  }

  /** Their ids go on from the first without a hole. */
  get written(): number {
    return this.before + this.due;
  }

  start(): void {
    this.started_ms = performance.now();
    this.timer = setInterval(() => {
      this.turn();
    }, turn_ms);
  }

  /** Resolves when all are committed. @throws Error when one was not. */
  async pause(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.before += this.due;
    this.due = 0;
    await Promise.all(this.underWay);
    if (this.failure !== null) throw this.failure;
  }

  /** Does not wait for the rows of earlier turns: a database that is slow moves none that follow. */
  private turn(): void {
    const { keys, perSecond } = this.options;
    const first = this.written;
    this.due = Math.floor(((performance.now() - this.started_ms) * perSecond) / 1000);
    const numbers = Array.from({ length: this.written - first }, (_, i) => first + i);
    if (numbers.length === 0) return;
    const inserted = this.db
      .query(
        `insert into public.transactions select id, user_id, 1, 'ok', 'Oulu', $3 from unnest($1::bigint[], $2::bigint[]) as row(id, user_id)`,
        [numbers.map((n) => SteadyRows.firstId + n), numbers.map((n) => n % keys), timestampText(Date.now())],
      )
      .catch((error: unknown) => (this.failure ??= error as Error))
      .finally(() => this.underWay.delete(inserted));
    this.underWay.add(inserted);
  }
}
