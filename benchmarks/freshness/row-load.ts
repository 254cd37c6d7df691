/** Single-row transactions at a fixed rate, through connections enough that a slow COMMIT holds up no other row. */
import pg from 'pg';
import { atRate } from './open-loop.ts';
import type { Slice } from './schedule.ts';
import type { WallClock } from './wall-clock.ts';

/** Row i has this much more as transaction and as user: no key has two rows, none is one of the preload's. */
export const firstRow = 1_000_000_000;

export interface SentRow {
  readonly due_ms: number;
  readonly measured: boolean;
  /** When COMMIT had returned. */
  committed_ms: number;
}

const connections = 16;
// An event time must not be ahead of its commit, so it is cut, not rounded.
const insert =
  "insert into public.transactions values ($1, $1, 1, 'ok', null, date_trunc('milliseconds', now() at time zone 'utc'))";

export class RowLoad {
  readonly sent: SentRow[] = [];
  private readonly db: pg.Pool;
  private readonly clock: WallClock;
  private readonly perSecond: number;
  private readonly running: Promise<void>[] = [];

  constructor(databaseUrl: string, clock: WallClock, perSecond: number) {
    this.db = new pg.Pool({ connectionString: databaseUrl, max: connections, idleTimeoutMillis: 0 });
    this.clock = clock;
    this.perSecond = perSecond;
  }

  /** A row would pay for a connection that is made when it comes. */
  async connect(): Promise<void> {
    await Promise.all(Array.from({ length: connections }, () => this.db.query('select pg_sleep(0.1)')));
  }

  /** Resolves when the slice is over; its last rows may still be under way. */
  send(slice: Slice): Promise<void> {
    return atRate(this.clock, slice, this.perSecond, (due_ms) => {
      const row = { due_ms, measured: slice.measured, committed_ms: 0 };
      const id = firstRow + this.sent.push(row) - 1;
      const inserted = this.insert(id, row);
      // Awaited at the end; until then a failure is not unhandled.
      inserted.catch(() => undefined);
      this.running.push(inserted);
    });
  }

  /** @throws the error of the first row that was not committed. */
  async committed(): Promise<void> {
    await Promise.all(this.running);
  }

  async close(): Promise<void> {
    await this.db.end();
  }

  private async insert(id: number, row: SentRow): Promise<void> {
    await this.db.query({ name: 'insert', text: insert, values: [id] });
    row.committed_ms = this.clock.now_ms();
  }
}
