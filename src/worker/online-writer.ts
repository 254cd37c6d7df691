/**
 * Brings values online: one fenced call at a time, holding all that waits, the newest value per key. While a call is under way
 * values gather for the next, so batches form from load alone and no timer stands on the path of a row.
 */
import { renderKey } from '../define/key.ts';
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { formatValue } from '../define/value.ts';
import type { Emission } from '../entity/entity-task.ts';
import { RetriableError, messageOf } from '../errors.ts';
import type { OnlineStore, OnlineStored, OnlineView, OnlineWrite } from '../online/online-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics, Observing } from '../observability/metrics.ts';
import { sleep, type Clock } from '../time/clock.ts';

/** Values of one call at most. */
const callLimit = 2000;
const firstBackoff_ms = 10;
const longestBackoff_ms = 1000;

/** A value on its way: `visibleAt_us` is known once it, or a newer value of its key, is acknowledged. */
export interface PendingValue {
  readonly emission: Emission;
  readonly owner: ValueOwner;
  visibleAt_us: number;
}

/** Who gets the acknowledged values back, in the order in which they were given. */
export interface ValueOwner {
  readonly entity: EntityPlan;
  /** Set when the partition was taken away: its values are no longer written. */
  released: boolean;
  acknowledged(values: readonly PendingValue[]): void;
}

export interface OnlineWriterOptions {
  readonly store: OnlineStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly failed: (error: Error) => void;
}

export class OnlineWriter {
  private readonly options: OnlineWriterOptions;
  private readonly views = new Map<ViewPlan, OnlineView>();
  private readonly freshness = new Map<ViewPlan, Observing>();
  private readonly stages: { readonly source: Observing; readonly engine: Observing };
  private queue: PendingValue[] = [];
  private inFlight = 0;
  private writing: Promise<void> | null = null;
  private stopped = false;
  private waiters: { readonly until: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] =
    [];
  private added = 0;
  private settled = 0;

  constructor(options: OnlineWriterOptions) {
    this.options = options;
    const stage = (name: string): Observing => options.metrics.histogram('millrace_stage_seconds', { stage: name });
    this.stages = { source: stage('source'), engine: stage('engine') };
  }

  /** Values that are not acknowledged. */
  get pending(): number {
    return this.queue.length + this.inFlight;
  }

  add(owner: ValueOwner, emissions: readonly Emission[]): void {
    for (const emission of emissions) this.queue.push({ emission, owner, visibleAt_us: 0 });
    this.added += emissions.length;
    if (this.queue.length > 0) this.writing ??= this.write();
  }

  /** Resolves when all that was added before is acknowledged, or at most `pending` values are not. */
  settle(pending = 0): Promise<void> {
    const until = this.added - pending;
    if (this.settled >= until) return Promise.resolve();
    if (this.stopped) return Promise.reject(givenUp());
    return new Promise((resolve, reject) => this.waiters.push({ until, resolve, reject }));
  }

  /** Gives up what is not acknowledged: who waits for it is told. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.writing;
    for (const { reject } of this.waiters.splice(0)) reject(givenUp());
  }

  private async write(): Promise<void> {
    // One turn later: what the same batch of frames still emits goes along.
    await Promise.resolve();
    let backoff_ms = firstBackoff_ms;
    while (this.queue.length > 0 && !this.stopped) {
      const values = this.queue.slice(0, callLimit);
      this.queue = this.queue.slice(values.length);
      this.inFlight = values.length;
      try {
        await this.call(values);
        backoff_ms = firstBackoff_ms;
        this.settled += values.length;
      } catch (error) {
        if (!(error instanceof RetriableError)) {
          this.options.failed(error as Error);
          return;
        }
        this.queue = [...values, ...this.queue];
        this.options.metrics.counter('millrace_online_writes_total', { result: 'retried' }).add(values.length);
        this.options.logger.warn(
          { backoff_ms, pending: this.queue.length, error: messageOf(error) },
          'the online store does not answer; trying again',
        );
        await sleep(this.options.clock, backoff_ms);
        backoff_ms = Math.min(backoff_ms * 2, longestBackoff_ms);
      } finally {
        this.inFlight = 0;
      }
      this.wake();
    }
    this.writing = null;
  }

  private wake(): void {
    const ready = this.waiters.filter(({ until }) => this.settled >= until);
    this.waiters = this.waiters.filter(({ until }) => this.settled < until);
    for (const { resolve } of ready) resolve();
  }

  private async call(values: readonly PendingValue[]): Promise<void> {
    const { store, clock, metrics } = this.options;
    const newest = new Map<string, PendingValue>();
    const keys = values.map((value) => writeKey(value));
    values.forEach((value, i) => {
      if (!value.owner.released) newest.set(keys[i]!, value);
    });
    const written = [...newest.keys()];
    const started_ms = clock.monotonic_ms();
    const { stored } = await store.upsert([...newest.values()].map((value) => this.writeOf(value)));
    metrics.histogram('millrace_online_write_seconds', {}).observe((clock.monotonic_ms() - started_ms) / 1000);
    const byKey = new Map(written.map((key, i) => [key, stored[i]!]));
    this.acknowledge(values, keys, byKey);
  }

  private acknowledge(
    values: readonly PendingValue[],
    keys: readonly string[],
    byKey: ReadonlyMap<string, OnlineStored>,
  ): void {
    const { metrics } = this.options;
    const byOwner = new Map<ValueOwner, PendingValue[]>();
    let applied = 0;
    values.forEach((value, i) => {
      const stored = byKey.get(keys[i]!);
      if (stored === undefined || value.owner.released) return;
      value.visibleAt_us = stored.visibleAt_us;
      if (stored.applied && stored.position === value.emission.position) {
        applied++;
        this.observeFreshness(value);
      }
      const own = byOwner.get(value.owner);
      if (own === undefined) byOwner.set(value.owner, [value]);
      else own.push(value);
    });
    byOwner.forEach((own, owner) => {
      owner.acknowledged(own);
    });
    metrics.counter('millrace_online_writes_total', { result: 'applied' }).add(applied);
    metrics.counter('millrace_online_writes_total', { result: 'refused' }).add(byKey.size - applied);
    metrics.counter('millrace_online_writes_total', { result: 'coalesced' }).add(values.length - byKey.size);
  }

  private observeFreshness({ emission, visibleAt_us }: PendingValue): void {
    const { cause, view } = emission;
    if (cause === null || cause.operation === 'r') return;
    const ingest_us = cause.ingest_ms * 1000;
    this.freshnessOf(view).observe(Math.max(0, visibleAt_us - cause.commit_us) / 1e6);
    this.stages.source.observe(Math.max(0, ingest_us - cause.commit_us) / 1e6);
    this.stages.engine.observe(Math.max(0, visibleAt_us - ingest_us) / 1e6);
  }

  private freshnessOf(view: ViewPlan): Observing {
    let series = this.freshness.get(view);
    if (series === undefined) {
      series = this.options.metrics.histogram('millrace_freshness_seconds', { view: view.name });
      this.freshness.set(view, series);
    }
    return series;
  }

  private writeOf({ emission, owner }: PendingValue): OnlineWrite {
    const { view, key, position, asOf_us } = emission;
    const values = view.features.map((feature, i) => formatValue(feature.type, emission.values[i]!));
    return {
      key: renderKey(view.online, key),
      view: this.viewOf(view),
      generation: owner.entity.generation,
      position,
      asOf_us,
      values,
    };
  }

  private viewOf(view: ViewPlan): OnlineView {
    let online = this.views.get(view);
    if (online === undefined) {
      online = { name: view.name, fields: view.features.map((feature) => feature.name) };
      this.views.set(view, online);
    }
    return online;
  }
}

const givenUp = (): Error =>
  new RetriableError('store-unavailable', 'the worker stops before the online store has acknowledged all values');

const writeKey = ({ emission, owner }: PendingValue): string =>
  `${owner.entity.name}/${emission.view.name}/${emission.key}`;
