/** Who owns what, how far time has come, and what state costs: for who operates the fleet. */
import { jobs, type Dashboard } from './panels.ts';

export const tasks: Dashboard = {
  name: 'tasks',
  title: 'Tasks and state',
  rows: [
    {
      title: 'Tasks',
      panels: [
        {
          title: 'Owned tasks',
          description: 'By worker and kind.',
          unit: 'none',
          queries: [[`millrace_tasks_owned{${jobs}}`, '{{instance}} {{kind}}']],
        },
        {
          title: 'Rebalances',
          description: 'lost means that the group went on without the worker.',
          unit: 'ops',
          queries: [[`sum by (kind, event) (rate(millrace_rebalances_total{${jobs}}[5m]))`, '{{kind}} {{event}}']],
        },
        {
          title: 'Stuck tasks',
          description: 'They stand still without a reason; their worker is not live.',
          unit: 'none',
          queries: [[`sum by (kind) (millrace_stuck_tasks{${jobs}})`, '{{kind}}']],
        },
      ],
    },
    {
      title: 'Time',
      panels: [
        {
          title: 'Watermark age, the worst partition',
          description: 'Of the rows themselves; grows while a table is quiet.',
          unit: 's',
          queries: [[`max by (entity) (millrace_watermark_age_seconds{${jobs}})`, '{{entity}}']],
        },
        {
          title: 'Clock mark age, the worst partition',
          description: 'Grows only when a source partition holds time back.',
          unit: 's',
          queries: [[`max by (entity) (millrace_clock_mark_age_seconds{${jobs}})`, '{{entity}}']],
        },
        {
          title: 'Timers, rows and duplicates',
          description: 'What entity tasks did.',
          unit: 'ops',
          queries: [
            [`sum by (entity) (rate(millrace_rows_applied_total{${jobs}}[1m]))`, '{{entity}} rows'],
            [`sum by (entity) (rate(millrace_timers_fired_total{${jobs}}[1m]))`, '{{entity}} timers'],
            [`sum by (entity) (rate(millrace_rows_duplicate_total{${jobs}}[1m]))`, '{{entity}} duplicates'],
          ],
        },
      ],
    },
    {
      title: 'Commits and restores',
      panels: [
        {
          title: 'Commits',
          description: 'By kind and result.',
          unit: 'ops',
          queries: [[`sum by (kind, result) (rate(millrace_commits_total{${jobs}}[1m]))`, '{{kind}} {{result}}']],
        },
        {
          title: 'Time of a commit of entity tasks',
          description: 'Values online do not wait for it.',
          unit: 's',
          queries: [
            [`histogram_quantile(0.5, sum by (le) (rate(millrace_commit_seconds_bucket{${jobs}}[5m])))`, 'median'],
            [
              `histogram_quantile(0.99, sum by (le) (rate(millrace_commit_seconds_bucket{${jobs}}[5m])))`,
              '99th percentile',
            ],
          ],
        },
        {
          title: 'Restoring',
          description: 'Tasks, and changelog records that are still to be read.',
          unit: 'short',
          queries: [
            [`sum(millrace_tasks_restoring{${jobs}})`, 'tasks'],
            [`sum(millrace_restore_records_left{${jobs}})`, 'records'],
          ],
        },
        {
          title: 'How tasks were opened',
          description: 'disk: only the rest of the changelog was read. Wiped states were not usable.',
          unit: 'ops',
          queries: [
            [`sum by (from) (rate(millrace_restores_total{${jobs}}[15m]))`, '{{from}}'],
            [`sum(rate(millrace_state_wiped_total{${jobs}}[15m]))`, 'wiped'],
          ],
        },
      ],
    },
    {
      title: 'State',
      panels: [
        {
          title: 'Keys that hold state',
          description: 'By entity, over all its partitions.',
          unit: 'short',
          queries: [[`sum by (entity) (millrace_state_keys{${jobs}})`, '{{entity}}']],
        },
        {
          title: 'Disk',
          description: 'Of the state directory, and what is free beside it.',
          unit: 'bytes',
          queries: [
            [`millrace_state_disk_bytes{${jobs}}`, '{{instance}} used'],
            [`millrace_state_volume_free_bytes{${jobs}}`, '{{instance}} free'],
          ],
        },
        {
          title: 'Time of a write to the state store',
          description: '99th percentile, by worker.',
          unit: 's',
          queries: [
            [
              `histogram_quantile(0.99, sum by (instance, le) (rate(millrace_state_write_seconds_bucket{${jobs}}[5m])))`,
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Changelog records written',
          description: 'One for each key that changed since the commit before.',
          unit: 'ops',
          queries: [[`sum(rate(millrace_changelog_records_total{${jobs}}[1m]))`, 'records']],
        },
      ],
    },
  ],
};
