/** Is it fresh, does it keep up, is it right: for everybody. */
import { jobs, type Dashboard } from './panels.ts';

export const overview: Dashboard = {
  name: 'overview',
  title: 'Overview',
  rows: [
    {
      title: 'Freshness: from the commit of a row to its value in Redis',
      panels: [
        {
          title: 'Values within 0.5 s, last hour',
          description: 'The service level is 99 %.',
          unit: 'percentunit',
          single: true,
          queries: [[`1 - max by (view) (view:millrace_freshness_slow:ratio_rate1h{${jobs}})`, '{{view}}']],
        },
        {
          title: 'Freshness, 99th percentile',
          description: 'By view, over five minutes.',
          unit: 's',
          queries: [[`max by (view) (view:millrace_freshness_seconds:p99_rate5m{${jobs}})`, '{{view}}']],
        },
        {
          title: 'Freshness by stage, 99th percentile',
          description: 'source: database, connector, Kafka, until ingest. engine: this fleet and Redis.',
          unit: 's',
          queries: [
            [
              `histogram_quantile(0.99, sum by (stage, le) (rate(millrace_stage_seconds_bucket{${jobs}}[5m])))`,
              '{{stage}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'Throughput and lag',
      panels: [
        {
          title: 'Source records by what became of them',
          description: 'Everything that is read is in one of these.',
          unit: 'ops',
          queries: [[`sum by (outcome) (rate(millrace_source_records_total{${jobs}}[1m]))`, '{{outcome}}']],
        },
        {
          title: 'Lag in seconds, the worst partition',
          description: 'Age of the newest record that was taken, while there are further ones.',
          unit: 's',
          queries: [[`max by (kind, topic) (millrace_lag_seconds{${jobs}})`, '{{kind}} {{topic}}']],
        },
        {
          title: 'Lag in records',
          description: 'Summed over the partitions of a topic.',
          unit: 'short',
          queries: [[`sum by (kind, topic) (millrace_lag_records{${jobs}})`, '{{kind}} {{topic}}']],
        },
      ],
    },
    {
      title: 'What could not be used, or came too late',
      panels: [
        {
          title: 'Dead letters',
          description: 'Records that were refused, by reason.',
          unit: 'ops',
          queries: [
            [`sum by (topic, reason) (rate(millrace_dead_letters_total{${jobs}}[5m]))`, '{{topic}} {{reason}}'],
          ],
        },
        {
          title: 'Rows that views refused or passed over',
          description:
            'late: the window is closed. unmatched: nothing was there to retract. passed: the window is over.',
          unit: 'ops',
          queries: [
            [
              `sum by (entity, change, fate) (rate(millrace_row_fates_total{${jobs}, fate=~"late|unmatched|passed"}[5m]))`,
              '{{entity}} {{change}} {{fate}}',
            ],
          ],
        },
        {
          title: 'Heartbeat of the connector',
          description: 'As the worker that heard it last knows it.',
          unit: 's',
          queries: [[`min by (topic) (millrace_heartbeat_age_seconds{${jobs}})`, '{{topic}}']],
        },
      ],
    },
    {
      title: 'The fleet',
      panels: [
        {
          title: 'Workers',
          description: 'By version.',
          unit: 'none',
          single: true,
          queries: [[`count by (version) (millrace_build_info{${jobs}})`, '{{version}}']],
        },
        {
          title: 'Partitions without an owner',
          description: 'Should be 0 but for moments of a rebalance.',
          unit: 'none',
          queries: [[`kind:millrace_tasks_unassigned:sum{${jobs}}`, '{{kind}}']],
        },
        {
          title: 'Alerts',
          description: 'That fire now.',
          unit: 'none',
          queries: [['count by (alertname) (ALERTS{alertname=~"Millrace.*", alertstate="firing"})', '{{alertname}}']],
        },
      ],
    },
  ],
};
