/** Rows for an entity task alone: a table, and frames of its insertions in the order of time. */
import { debezium, decimal, entity, int64, text, timestamp } from '../../src/index.ts';
import type { EntityPlan, Row } from '../../src/define/plan.ts';
import type { EntityTask } from '../../src/entity/entity-task.ts';
import type { RowEntry } from '../../src/frames/row-frame.ts';

export const rowsPerFrame = 50;

export const user = entity('user', { key: { user_id: int64() }, partitions: 1 });
const shop = debezium({ prefix: 'bench', decimals: 'string', times: 'microseconds' });
export const transactions = shop.table('public.transactions', {
  columns: {
    transaction_id: int64(),
    user_id: int64(),
    amount: decimal(12, 2),
    merchant: text(),
    transaction_time: timestamp(6),
  },
  primaryKey: ['transaction_id'],
  replicaIdentity: 'full',
  time: { event: 'transaction_time', outOfOrderness: '5s' },
});

export interface FeedOptions {
  /** From a row to the next. */
  readonly step_us: number;
  /** Whose row it is. */
  readonly userOf: (row: number) => number;
}

export class Feed {
  position = 0;
  private readonly table: number;
  private readonly options: FeedOptions;
  private row = 0;
  private number = 0;

  constructor(plan: EntityPlan, options: FeedOptions) {
    this.table = plan.tables.findIndex(({ name }) => name === transactions.name);
    this.options = options;
  }

  frame(): Parameters<EntityTask['apply']>[0] {
    const rows = Array.from({ length: rowsPerFrame }, () => this.next());
    const time_us = rows.at(-1)!.commit_us - 5_000_000;
    return {
      kind: 'rows',
      source: { table: this.table, topicId: '0'.repeat(32), partition: 0, partitionCount: 1 },
      session: 1,
      number: this.number++,
      marks: { data_us: time_us, clock_us: time_us },
      rows,
    };
  }

  private next(): RowEntry {
    const id = this.row++;
    const time_us = 1_800_000_000_000_000 + Math.floor(id * this.options.step_us);
    const after: Row = [
      BigInt(id),
      BigInt(this.options.userOf(id)),
      BigInt((id * 2_654_435) % 100_000),
      `merchant-${(id * 31) % 50}`,
      BigInt(time_us),
    ];
    return { offset: id, operation: 'c', commit_us: time_us, ingest_ms: 0, routes: 2, before: null, after };
  }
}

/** Zipf with exponent 1 over ranks 1 to n: by the inverse of the harmonic numbers' continuous form. */
export function zipf(n: number, next: () => number): () => number {
  return () => Math.floor(Math.pow(n + 1, next()));
}
