/** What a worker says of the states that it brought back, and what its metrics count of it. */
import { until } from '../support/until.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const messages = ['state restored', 'state on disk reused, the rest read from the changelog'] as const;

export interface Restores {
  /** The entity partitions, one after another as they were opened. */
  readonly partitions: readonly number[];
  /** Opened from the disk and the rest of the changelog. */
  readonly fromDisk: number;
  readonly records: number;
  readonly seconds: number;
}

export const sumOf = (samples: ReadonlyMap<string, number>): number => [...samples.values()].reduce((a, b) => a + b, 0);

/** Of its whole life. */
export async function restoresOf(worker: WorkerProcess): Promise<Restores> {
  const opened = await worker.metric('millrace_restores_total');
  const lines = (): ReturnType<WorkerProcess['logged']> => messages.flatMap((message) => worker.logged(message));
  await until('the log names the states that the metrics count', () => lines().length >= sumOf(opened));
  const inOrder = lines().sort((a, b) => String(a['time']).localeCompare(String(b['time'])));
  return {
    partitions: inOrder.map((line) => Number(/\d+$/.exec(String(line['partition']))![0])),
    fromDisk: opened.get('from="disk"') ?? 0,
    records: sumOf(await worker.metric('millrace_restored_records_total')),
    seconds: sumOf(await worker.metric('millrace_restore_seconds_sum')),
  };
}

/** What came since an earlier reading of the same life. */
export function restoredSince(before: Restores, after: Restores): Restores {
  return {
    partitions: after.partitions.slice(before.partitions.length),
    fromDisk: after.fromDisk - before.fromDisk,
    records: after.records - before.records,
    seconds: after.seconds - before.seconds,
  };
}

export function describeRestores({ partitions, fromDisk, records, seconds }: Restores): string {
  return `${partitions.length} states (${fromDisk} reused from disk) with ${records} changelog records in ${seconds.toFixed(2)} s`;
}
