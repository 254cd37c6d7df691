/** The few kinds of panel that the dashboards are made of. */
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';

/** A query and the legend of its series. */
export type Query = readonly [expression: string, legend: string];

/** Grafana's names of units. */
type Unit = 's' | 'bytes' | 'percentunit' | 'short' | 'ops' | 'none';

export interface Panel {
  readonly title: string;
  /** What to make of it. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Shown as one number, the last. */
  readonly single?: true;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  /** Of its file, and of its address in Grafana. */
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** In every query: the jobs that were chosen above the dashboard. */
export const jobs = 'job=~"$job"';

const datasource = { type: 'prometheus', uid: '$datasource' };
const [width, height] = [8, 7];

export function build({ name, title, rows }: Dashboard): object {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the newer format is understood by Grafana 12 only
  const dashboard = new DashboardBuilder(`Millrace / ${title}`)
    .uid(`millrace-${name}`)
    .tags(['millrace'])
    .readonly()
    .refresh('10s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(
      new QueryVariableBuilder('job')
        .label('Job')
        .datasource(datasource)
        .query('label_values(millrace_build_info, job)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(true),
    );
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) dashboard.withPanel(built(panel));
  }
  return dashboard.build();
}

function built({ title, description, unit, queries, single }: Panel): StatBuilder | TimeseriesBuilder {
  const panel = single === true ? new StatBuilder() : new TimeseriesBuilder().fillOpacity(8).lineWidth(1);
  panel.title(title).description(description).unit(unit).datasource(datasource).span(width).height(height);
  queries.forEach(([expression, legend], i) => {
    panel.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode(65 + i))
        .expr(expression)
        .legendFormat(legend),
    );
  });
  return panel;
}
