/**
 * The catalogue's metrics, ready to be counted. A wrong name or label is a compile error. Looking a series up costs a hash of its
 * labels: hot paths look it up once and keep it.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { catalogue, type LabelsOf, type MetricEntry, type MetricName, type NamesOf } from './catalogue.ts';

/** One series of a counter. */
export interface Counting {
  add(amount: number): void;
}

/** One series of a histogram. */
export interface Observing {
  observe(value: number): void;
}

export interface Metrics {
  counter<Name extends NamesOf<'counter'>>(name: Name, labels: LabelsOf<Name>): Counting;
  gauge<Name extends NamesOf<'gauge'>>(name: Name, labels: LabelsOf<Name>): { set(value: number): void };
  histogram<Name extends NamesOf<'histogram'>>(name: Name, labels: LabelsOf<Name>): Observing;
  /** Forgets one series, of a partition that left. */
  remove<Name extends NamesOf<'gauge'>>(name: Name, labels: LabelsOf<Name>): void;
  /** In Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

interface Clients {
  readonly counters: Map<MetricName, Counter>;
  readonly gauges: Map<MetricName, Gauge>;
  readonly histograms: Map<MetricName, Histogram>;
}

function createClients(registry: Registry): Clients {
  const clients: Clients = { counters: new Map(), gauges: new Map(), histograms: new Map() };
  for (const [key, entry] of Object.entries<MetricEntry>(catalogue)) {
    const name = key as MetricName;
    const common = { name, help: entry.help, labelNames: entry.labels, registers: [registry] };
    if (entry.type === 'counter') clients.counters.set(name, new Counter(common));
    else if (entry.type === 'gauge') clients.gauges.set(name, new Gauge(common));
    else clients.histograms.set(name, new Histogram({ ...common, buckets: [...(entry.buckets ?? [])] }));
  }
  return clients;
}

/** @param version of the running build, for `millrace_build_info`. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { counters, gauges, histograms } = createClients(registry);
  gauges.get('millrace_build_info')!.set({ version }, 1);
  return {
    counter: (name, labels) => {
      const child = counters.get(name)!.labels(labels);
      return {
        add: (amount) => {
          child.inc(amount);
        },
      };
    },
    gauge: (name, labels) => gauges.get(name)!.labels(labels),
    histogram: (name, labels) => histograms.get(name)!.labels(labels),
    remove: (name, labels) => {
      gauges.get(name)!.remove(labels);
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
