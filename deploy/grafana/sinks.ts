/** Redis, S3, and what a process has left: for who operates what stands around the fleet. */
import { jobs, type Dashboard } from './panels.ts';

export const sinks: Dashboard = {
  name: 'sinks',
  title: 'Sinks and clients',
  rows: [
    {
      title: 'Redis',
      panels: [
        {
          title: 'Values by what became of them',
          description: 'coalesced: a newer one of the same key went instead.',
          unit: 'ops',
          queries: [[`sum by (result) (rate(millrace_online_writes_total{${jobs}}[1m]))`, '{{result}}']],
        },
        {
          title: 'Time of a call',
          description: '99th percentile, by worker.',
          unit: 's',
          queries: [
            [
              `histogram_quantile(0.99, sum by (instance, le) (rate(millrace_online_write_seconds_bucket{${jobs}}[5m])))`,
              '{{instance}}',
            ],
          ],
        },
        {
          title: 'Values that wait',
          description: 'Frames are not read past 100,000.',
          unit: 'short',
          queries: [[`millrace_online_pending_values{${jobs}}`, '{{instance}}']],
        },
        {
          title: 'Failed calls, losses and repairs',
          description: 'After a loss all values of a task are written again.',
          unit: 'ops',
          queries: [
            [`sum(rate(millrace_online_failures_total{${jobs}}[1m]))`, 'failures'],
            [`sum(rate(millrace_online_losses_total{${jobs}}[5m]))`, 'losses'],
            [`sum(rate(millrace_online_repairs_total{${jobs}}[5m]))`, 'repairs'],
          ],
        },
      ],
    },
    {
      title: 'Parquet on S3',
      panels: [
        {
          title: 'Rows put',
          description: 'By view.',
          unit: 'ops',
          queries: [[`sum by (view) (rate(millrace_offline_rows_total{${jobs}}[5m]))`, '{{view}}']],
        },
        {
          title: 'Bytes and files put',
          description: 'A file ends by rows, bytes or age, whichever is first.',
          unit: 'short',
          queries: [
            [`sum by (view) (rate(millrace_offline_bytes_total{${jobs}}[5m]))`, '{{view}} bytes/s'],
            [`sum by (view) (increase(millrace_offline_files_total{${jobs}}[1h]))`, '{{view}} files/h'],
          ],
        },
        {
          title: 'Time of a put, and failed ones',
          description: 'A put that fails is made again under the same name.',
          unit: 's',
          queries: [
            [
              `histogram_quantile(0.99, sum by (le) (rate(millrace_offline_put_seconds_bucket{${jobs}}[15m])))`,
              '99th percentile',
            ],
            [`sum by (view) (rate(millrace_offline_put_failures_total{${jobs}}[5m]))`, '{{view}} failures/s'],
          ],
        },
        {
          title: 'Records that wait to be put',
          description: 'Reading pauses at 128 MiB.',
          unit: 'bytes',
          queries: [[`millrace_offline_held_bytes{${jobs}}`, '{{instance}}']],
        },
      ],
    },
    {
      title: 'Logs',
      panels: [
        {
          title: 'Frames and rows of entity logs',
          description: 'Many rows a frame under load, one when idle.',
          unit: 'ops',
          queries: [
            [`sum by (entity) (rate(millrace_frames_total{${jobs}}[1m]))`, '{{entity}} frames'],
            [`sum by (entity) (rate(millrace_frame_rows_total{${jobs}}[1m]))`, '{{entity}} rows'],
          ],
        },
        {
          title: 'Values of the feature log',
          description: 'One for each value that was acknowledged online.',
          unit: 'ops',
          queries: [[`sum by (entity) (rate(millrace_feature_log_rows_total{${jobs}}[1m]))`, '{{entity}}']],
        },
        {
          title: 'Rows of first snapshots',
          description: 'That wait for the end of the snapshot, and the memory they take.',
          unit: 'short',
          queries: [
            [`sum by (topic) (millrace_snapshot_staged_rows{${jobs}})`, '{{topic}} rows'],
            [`sum(millrace_snapshot_held_bytes{${jobs}})`, 'bytes'],
          ],
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          title: 'Processor time',
          description: 'A worker uses about one core at most.',
          unit: 'none',
          queries: [
            [`rate(process_cpu_seconds_total{${jobs}}[1m]) and on (job, instance) millrace_build_info`, '{{instance}}'],
          ],
        },
        {
          title: 'Event loop',
          description: 'How busy it is, and how late its timers are (99th percentile).',
          unit: 'none',
          queries: [
            [`millrace_event_loop_utilization_ratio{${jobs}}`, '{{instance}} busy'],
            [`millrace_event_loop_delay_seconds{${jobs}, quantile="0.99"}`, '{{instance}} delay in seconds'],
          ],
        },
        {
          title: 'Memory against its bound',
          description: 'The kernel ends the process at 1.',
          unit: 'percentunit',
          queries: [
            [`process_resident_memory_bytes{${jobs}} / millrace_memory_limit_bytes{${jobs}}`, '{{instance}} resident'],
            [`nodejs_heap_size_used_bytes{${jobs}} / millrace_heap_limit_bytes{${jobs}}`, '{{instance}} heap'],
          ],
        },
      ],
    },
  ],
};
