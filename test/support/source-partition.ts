/** An ingest of one source partition of `public.transactions`, and its records. */
import type { TablePlan } from '../../src/define/plan.ts';
import { decodeEntityFrame, type RowsFrame } from '../../src/frames/row-frame.ts';
import { formatHighWater, parseHighWater, type HighWater } from '../../src/ingest/high-water.ts';
import { routesOf } from '../../src/ingest/router.ts';
import { MemoryStage, StagingBudget } from '../../src/ingest/snapshot-stage.ts';
import { SourcePartition } from '../../src/ingest/source-partition.ts';
import { envelope, transactionFields, type EnvelopeOptions } from './envelope.ts';
import { transactionsPlan, userPlan, type Transaction } from './shop.ts';

export const start_us = 1_800_000_000_000_000;
export const topicId = '00112233445566778899aabbccddeeff';
export const now_ms = start_us / 1000 + 5;

export function opened(
  restored: HighWater | null = null,
  table: TablePlan = transactionsPlan,
  budget = new StagingBudget(1 << 24),
): SourcePartition {
  const routes = routesOf([userPlan], table.topic);
  const stage = new MemoryStage(
    table.columns.map(({ type }) => type),
    budget,
  );
  return new SourcePartition({ table, topicId, partition: 2, partitionCount: 3, routes, restored, stage });
}

/** The owner after a restart: it knows what the commit carried. */
export const reopened = (partition: SourcePartition): SourcePartition =>
  opened(parseHighWater(formatHighWater(partition.highWater)), partition.table);

export function transaction(id: number, user: number, more: Partial<Transaction> = {}): Transaction {
  return { id, user, cents: 1999, status: 'ok', location: null, time_us: start_us + id * 1_000_000, ...more };
}

/** An insertion whose log position and commit time follow from its id. */
export function insertion(t: Transaction, more: EnvelopeOptions = {}): Buffer {
  const position = { sequence: [t.id, t.id], commit_us: start_us + t.id * 1_000_000 } as const;
  return envelope({ op: 'c', after: transactionFields(t), ...position, ...more });
}

/** A row that a pass of the snapshot read; its transaction began at {@link start_us}. */
export const snapshotRow = (t: Transaction, lsn: number, snapshot = 'true'): Buffer =>
  envelope({ op: 'r', after: transactionFields(t), snapshot, lsn, sequence: [null, lsn], commit_us: start_us });

export interface Taken {
  readonly entityPartition: number;
  readonly rows: number;
  readonly frame: RowsFrame;
}

export function takeFrames(partition: SourcePartition): Taken[] {
  return partition.takeFrames().map(({ entity, partition: entityPartition, bytes, rows }) => {
    if (entity !== userPlan) throw new Error('a frame of another entity');
    return { entityPartition, rows: rows.length, frame: decodeEntityFrame(bytes, userPlan) as RowsFrame };
  });
}
