/** The catalogue's metrics, ready to be counted. A wrong name or label is a compile error. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { catalogue, type LabelsOf, type MetricEntry, type MetricName, type NamesOf } from './catalogue.ts';

export interface Metrics {
  counter<Name extends NamesOf<'counter'>>(name: Name, labels: LabelsOf<Name>): { add(amount: number): void };
  gauge<Name extends NamesOf<'gauge'>>(name: Name, labels: LabelsOf<Name>): { set(value: number): void };
  histogram<Name extends NamesOf<'histogram'>>(name: Name, labels: LabelsOf<Name>): { observe(value: number): void };
  /** Forgets one series, of a partition that left. */
  remove<Name extends NamesOf<'gauge'>>(name: Name, labels: LabelsOf<Name>): void;
  /** In Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

type Client = Counter | Gauge | Histogram;

function createClient(name: string, entry: MetricEntry, registers: Registry[]): Client {
  const common = { name, help: entry.help, labelNames: entry.labels, registers };
  if (entry.type === 'counter') return new Counter(common);
  return entry.type === 'gauge' ? new Gauge(common) : new Histogram({ ...common, buckets: [...(entry.buckets ?? [])] });
}

/** @param version of the running build, for `millrace_build_info`. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const clients = new Map(Object.entries(catalogue).map(([name, entry]) => [name, createClient(name, entry, [registry])]));
  const clientOf = <T extends Client>(name: MetricName): T => clients.get(name) as T;
  clientOf<Gauge>('millrace_build_info').set({ version }, 1);
  return {
    counter: (name, labels) => {
      const child = clientOf<Counter>(name).labels(labels);
      return {
        add: (amount) => {
          child.inc(amount);
        },
      };
    },
    gauge: (name, labels) => clientOf<Gauge>(name).labels(labels),
    histogram: (name, labels) => clientOf<Histogram>(name).labels(labels),
    remove: (name, labels) => {
      clientOf<Gauge>(name).remove(labels);
    },
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

const nothing = (): void => undefined;
/** Counts nothing. */
export const noMetrics: Metrics = {
  counter: () => ({ add: nothing }),
  gauge: () => ({ set: nothing }),
  histogram: () => ({ observe: nothing }),
  remove: nothing,
  render: () => Promise.resolve(''),
  contentType: 'text/plain',
};
