/** Rows that never stop: inserted, updated in value, time and key, deleted; until it is paused. */
import type pg from 'pg';
import { seeded } from '../support/prng.ts';
import { timestampText } from '../support/transactions-load.ts';

const defaultBatch = 20;
const turn_ms = 40;
const retry_ms = 200;

export interface RowFlowOptions {
  readonly users: number;
  /** Those below have no rows of it. Default 0. */
  readonly firstUser?: number;
  readonly seed: number;
  readonly firstId: number;
  /** How many of the newest rows are changed again. */
  readonly reach: number;
  /** Rows that are inserted at a time. */
  readonly batch?: number;
}

export class RowFlow {
  private readonly db: pg.Pool;
  private readonly users: number;
  private readonly firstUser: number;
  private readonly below: (limit: number) => number;
  private readonly reach: number;
  private readonly batch: number;
  private id: number;
  private running: Promise<void> | null = null;
  private isWanted = false;
  written = 0;

  constructor(db: pg.Pool, { users, firstUser = 0, seed, firstId, reach, batch = defaultBatch }: RowFlowOptions) {
    this.db = db;
    this.users = users;
    this.firstUser = firstUser;
    this.below = seeded(seed).below;
    this.id = firstId;
    this.reach = reach;
    this.batch = batch;
  }

  start(): void {
    this.isWanted = true;
    this.running ??= this.run();
  }

  /** Resolves when nothing is under way. */
  async pause(): Promise<void> {
    this.isWanted = false;
    await this.running;
    this.running = null;
  }

  private async run(): Promise<void> {
    while (this.isWanted) {
      try {
        await this.turn();
      } catch (error) {
        // The database is not what is tried here; a lost connection is opened again.
        if (!(error instanceof Error && 'code' in error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, retry_ms));
      }
      await new Promise((resolve) => setTimeout(resolve, turn_ms));
    }
  }

  private async turn(): Promise<void> {
    const { id: first, batch } = this;
    this.id += batch;
    const ids = Array.from({ length: batch }, (_, i) => first + i);
    await this.db.query(
      'insert into public.transactions select * from unnest($1::bigint[], $2::bigint[], $3::numeric[], $4::text[], $5::text[], $6::timestamp[])',
      [
        ids,
        ids.map(() => this.user()),
        ids.map(() => (this.below(100_000) / 100).toFixed(2)),
        ids.map(() => 'ok'),
        ids.map(() => 'Oulu'),
        ids.map(() => this.time()),
      ],
    );
    this.written += batch;
    await this.change('update public.transactions set user_id = $2 where transaction_id = $1', this.user());
    await this.change('update public.transactions set transaction_time = $2 where transaction_id = $1', this.time());
    await this.change('update public.transactions set amount = $2 where transaction_id = $1', '0.01');
    await this.change('delete from public.transactions where transaction_id = $1');
  }

  private async change(sql: string, ...values: unknown[]): Promise<void> {
    const id = this.id - 1 - this.below(this.reach);
    await this.db.query(sql, [id, ...values]);
  }

  private user(): number {
    return this.firstUser + this.below(this.users - this.firstUser);
  }

  /** Up to two seconds ago. */
  private time(): string {
    return timestampText(Date.now() - this.below(2000));
  }
}
