/**
 * Where each row was when, put together after the run from the three logs that it went through.
 *
 * Arrival comes from the feature log and not from Redis: it holds every value with the instant at which Redis said it was visible,
 * whereas the key in Redis is overwritten when the key's window ends. The row is found by its key, which no other row has, and its value
 * by the position of the very frame that carried the row: a timer's value for the same key has another position.
 *
 * The source topic and the entity log are set to stamp records when the broker appends them. These stamps are whole milliseconds, cut:
 * half of one is added, so that on the whole they are right.
 */
import type { EntityPlan } from '../../src/define/plan.ts';
import { decodeFeatureFrame } from '../../src/frames/feature-frame.ts';
import { decodeEntityFrame } from '../../src/frames/row-frame.ts';
import type { LogRecord } from '../../src/log/log.ts';
import type { LogTail } from './log-tail.ts';
import { firstRow } from './row-load.ts';

export interface Journey {
  inSource_ms: number;
  inEntityLog_ms: number;
  visible_ms: number;
}

export interface Tails {
  readonly source: LogTail;
  readonly entityLog: LogTail;
  readonly featureLog: LogTail;
}

/** When each value that no row caused, but time that passed, became visible. */
export type TimerValues = readonly number[];

const half_ms = 0.5;

interface Place {
  readonly partition: number;
  readonly position: number;
}

/** @throws Error when a row did not become visible. */
export async function readJourneys(
  tails: Tails,
  entity: EntityPlan,
  rows: number,
): Promise<{ journeys: readonly Journey[]; timerValues: TimerValues }> {
  const journeys = Array.from({ length: rows }, () => ({ inSource_ms: 0, inEntityLog_ms: 0, visible_ms: 0 }));
  const places = new Array<Place | undefined>(rows);
  const timerValues: number[] = [];
  await readAll(tails.source, 'the source topic', rows, (record, found) => {
    for (const i of sourceRow(record)) {
      if (journeys[i]!.inSource_ms === 0) found();
      journeys[i]!.inSource_ms = record.timestamp_ms + half_ms;
    }
  });
  await readAll(tails.entityLog, 'the entity log', rows, (record, found) => {
    for (const i of entityRows(record, entity)) {
      if (places[i] !== undefined) continue;
      found();
      places[i] = { partition: record.partition, position: record.offset };
      journeys[i]!.inEntityLog_ms = record.timestamp_ms + half_ms;
    }
  });
  await readAll(tails.featureLog, 'the feature log', rows, ({ value, partition }, found) => {
    for (const { key, position, created_us } of decodeFeatureFrame(value!, entity).rows) {
      const i = Number(key) - firstRow;
      if (places[i]?.position !== position || places[i].partition !== partition) {
        timerValues.push(created_us / 1000);
        continue;
      }
      if (journeys[i]!.visible_ms === 0) found();
      journeys[i]!.visible_ms = created_us / 1000;
    }
  });
  return { journeys, timerValues };
}

async function readAll(
  tail: LogTail,
  name: string,
  rows: number,
  each: (record: LogRecord, found: () => void) => void,
): Promise<void> {
  let seen = 0;
  const found = (): void => {
    seen++;
  };
  await tail.read(
    (record) => {
      each(record, found);
    },
    () => `${rows - seen} of ${rows} rows that were committed are not in ${name}`,
    () => seen === rows,
  );
}

function sourceRow({ key }: LogRecord): number[] {
  const { transaction_id } = JSON.parse(Buffer.from(key!).toString()) as { transaction_id: number };
  return transaction_id >= firstRow ? [transaction_id - firstRow] : [];
}

function entityRows({ value }: LogRecord, entity: EntityPlan): number[] {
  const frame = decodeEntityFrame(value!, entity);
  if (frame.kind !== 'rows') return [];
  const user = entity.tables[frame.source.table]!.columns.findIndex(({ name }) => name === 'user_id');
  return frame.rows.map(({ after }) => Number(after![user]) - firstRow).filter((i) => i >= 0);
}
