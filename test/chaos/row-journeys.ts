/**
 * From the database's commit of a row to the instant at which the online store showed it. Both are taken from the logs when all is over:
 * nothing polls, and no later value of the same key hides one.
 */
import { decodeEntityFrame } from '../../src/frames/row-frame.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { entityLogTopic } from '../../src/worker/topics.ts';
import { until } from '../support/until.ts';
import type { ChaosFleet } from './chaos-fleet.ts';

export interface Journey {
  readonly user: number;
  readonly committed_ms: number;
  readonly visible_ms: number;
}

interface Arrival {
  readonly user: number;
  readonly committed_ms: number;
  readonly partition: number;
  /** More than one when an ingest task that took over repeated it. */
  readonly positions: number[];
}

/** @throws Error when one of the rows from `firstId` on did not come online. */
export async function readJourneys(fleet: ChaosFleet, firstId: number, rows: number): Promise<Journey[]> {
  const arrivals = await readArrivals(fleet, firstId);
  const journeys = [...arrivals.values()].flatMap(({ user, committed_ms, partition, positions }) => {
    const visible_us = fleet.history.visibleAt_us(partition, user, positions);
    return visible_us === null ? [] : [{ user, committed_ms, visible_ms: visible_us / 1000 }];
  });
  if (journeys.length !== rows)
    throw new Error(
      `of ${rows} committed rows ${arrivals.size} are in the entity log, and ${journeys.length} came online`,
    );
  return journeys;
}

/** By their ids. */
async function readArrivals({ log, application, plan }: ChaosFleet, firstId: number): Promise<Map<number, Arrival>> {
  const entity = plan.entities[0]!;
  const topic = entityLogTopic(application, entity);
  const partitions = Array.from({ length: entity.partitions }, (_, partition) => ({ topic, partition }));
  const columns = entity.tables[0]!.columns.map(({ name }) => name);
  const [id, user] = [columns.indexOf('transaction_id'), columns.indexOf('user_id')];
  const arrivals = new Map<number, Arrival>();
  const take = ({ partition, offset, value }: LogRecord): void => {
    const frame = decodeEntityFrame(value!, entity);
    if (frame.kind !== 'rows') return;
    for (const { operation, after, commit_us } of frame.rows) {
      if (operation !== 'c' || Number(after![id]) < firstId) continue;
      const known = arrivals.get(Number(after![id]));
      if (known !== undefined) known.positions.push(offset);
      else {
        const committed_ms = commit_us / 1000;
        arrivals.set(Number(after![id]), { user: Number(after![user]), committed_ms, partition, positions: [offset] });
      }
    }
  };
  let failure: Error | null = null;
  const reader = await log.reader({
    batch: (records) => {
      records.forEach(take);
    },
    failed: (error) => (failure = error),
  });
  try {
    const ends = await reader.endOffsets(partitions);
    await reader.assign(partitions.map((at) => ({ ...at, offset: 0 })));
    await until('the entity log is read', () => {
      if (failure !== null) throw failure;
      return partitions.every((at, i) => (reader.position(at) ?? 0) >= ends[i]!);
    });
  } finally {
    await reader.close();
  }
  return arrivals;
}
