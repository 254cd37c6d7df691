/** Brings all that is committed in an entity's changelogs to a store of one's own, outside of any group. */
import type { EntityPlan } from '../define/plan.ts';
import { stateVersion } from '../entity/task-record.ts';
import { FatalError } from '../errors.ts';
import type { Log, LogRecord } from '../log/log.ts';
import { BatchedStateWriter } from '../state/batched-writer.ts';
import type { StateStore, TaskWrite } from '../state/state-store.ts';
import { sleep, type Clock } from '../time/clock.ts';
import { partitionId } from './partition-id.ts';
import { changelogTopic } from './topics.ts';

const batch_records = 5000;
const look_ms = 5;

export interface ChangelogCopyOptions {
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly application: string;
}

/**
 * @returns the tasks' names in the store, those that have anything.
 * @throws FatalError `topic-missing` when there is no changelog.
 */
export async function copyChangelogs(
  { log, store, clock, application }: ChangelogCopyOptions,
  entity: EntityPlan,
): Promise<readonly string[]> {
  const topic = changelogTopic(application, entity);
  const info = (await log.describeTopics([topic])).get(topic);
  if (info === undefined)
    throw new FatalError('topic-missing', `there is no topic ${topic}: has a worker run with MILLRACE_APPLICATION_ID?`);
  const batches = new BatchedStateWriter(store);
  const failures: Error[] = [];
  const tasks = new Set<string>();
  const take = (records: readonly LogRecord[]): Promise<void> => {
    const byTask = new Map<string, LogRecord[]>();
    for (const record of records) {
      const task = partitionId(record);
      const own = byTask.get(task);
      if (own === undefined) byTask.set(task, [record]);
      else own.push(record);
    }
    for (const task of byTask.keys()) tasks.add(task);
    return batches.add([...byTask].map(([task, own]) => writeOf(entity, task, own)));
  };
  const failed = (error: Error): void => void failures.push(error);
  const reader = await log.reader({ batch_records, batch: take, failed });
  try {
    const ats = Array.from({ length: info.partitions }, (_, partition) => ({ topic, partition }));
    const ends = await reader.highWaters(ats);
    const wanted = ats.filter((_, i) => ends[i]! > 0);
    await reader.assign(wanted.map((at) => ({ ...at, offset: 0 })));
    const isRead = (): boolean => ats.every((at, i) => ends[i] === 0 || (reader.position(at) ?? 0) >= ends[i]!);
    while (failures.length === 0 && !isRead()) await sleep(clock, look_ms);
    await reader.assign([]);
  } finally {
    await reader.close();
  }
  if (failures[0] !== undefined) throw failures[0];
  await batches.flush();
  return [...tasks];
}

function writeOf(entity: EntityPlan, task: string, records: readonly LogRecord[]): TaskWrite {
  const { offset, timestamp_ms } = records.at(-1)!;
  const entries = records.map(({ key, value }) => ({ key: key!, value }));
  const checkpoint = { changelogOffset: offset, written_ms: timestamp_ms, definition: stateVersion(entity) };
  return { task, entries, checkpoint };
}
