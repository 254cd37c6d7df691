/** The state of a fleet as tables in text. */
import type { FleetStatus } from './fleet-status.ts';

export function renderStatus({ workers, kinds, entities, views }: FleetStatus): string {
  const kindNames = [...new Set(workers.flatMap(({ tasks }) => Object.keys(tasks)))].sort();
  const parts = [
    table(
      ['worker', 'version', ...kindNames, 'restoring', 'stuck', 'lag records', 'lag', 'pending values', 'busy'],
      workers.map((worker) =>
        worker.problem !== null
          ? [worker.address, worker.problem]
          : [
              worker.address,
              worker.version ?? '?',
              ...kindNames.map((kind) => whole(worker.tasks[kind] ?? 0)),
              whole(worker.restoring),
              whole(worker.stuck),
              whole(worker.lag_records),
              duration(worker.lag_seconds),
              whole(worker.pending_values),
              worker.busy_ratio === null ? '-' : `${Math.round(worker.busy_ratio * 100)} %`,
            ],
      ),
    ),
    table(
      ['tasks', 'partitions', 'owned', 'lag records', 'lag'],
      kinds.map((kind) => [
        kind.kind,
        whole(kind.partitions),
        kind.owned === kind.partitions ? whole(kind.owned) : `${whole(kind.owned)} !`,
        whole(kind.lag_records),
        duration(kind.lag_seconds),
      ]),
    ),
    table(
      ['entity', 'keys', 'watermark age', 'clock mark age'],
      entities.map((entity) => [
        entity.entity,
        whole(entity.keys),
        duration(entity.watermark_age_seconds),
        duration(entity.clock_mark_age_seconds),
      ]),
    ),
    table(
      ['view', 'values', 'freshness p50', 'p99'],
      views.map((view) => [
        view.view,
        whole(view.values),
        duration(view.freshness_p50_seconds),
        duration(view.freshness_p99_seconds),
      ]),
    ),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** Empty without rows. The first column is text, the others are numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const complete = rows.filter((row) => row.length === head.length);
  const widths = head.map((name, i) => Math.max(name.length, ...complete.map((row) => row[i]!.length)));
  widths[0] = Math.max(...[head, ...rows].map(([name]) => name!.length));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  return `${[head, ...rows].map(line).join('\n')}\n`;
}

const whole = (value: number): string => String(Math.round(value));

function duration(seconds: number | null): string {
  if (seconds === null) return '-';
  if (seconds === 0) return '0';
  if (seconds < 1) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
