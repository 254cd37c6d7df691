/**
 * Brings values online: one fenced call at a time, holding all that waits, the newest value per key. While a call is under way
 * values gather for the next, so batches form from load alone and no timer stands on the path of a row.
 */
import type { EntityPlan } from '../define/plan.ts';
import type { Emission } from '../entity/entity-task.ts';
import { RetriableError, messageOf } from '../errors.ts';
import type { Canary, OnlineStore, OnlineStored } from '../online/online-store.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { sleep, type Clock } from '../time/clock.ts';
import { FreshnessMetrics } from './freshness-metrics.ts';
import type { OnlineCanary } from './online-canary.ts';
import { onlineWriteOf } from './online-write.ts';

/** Values of one call at most. */
const callLimit = 2000;
const firstBackoff_ms = 10;
const longestBackoff_ms = 1000;

/** A value on its way: `visibleAt_us` is known once it, or a newer value of its key, is acknowledged. */
export interface PendingValue {
  readonly emission: Emission;
  readonly owner: ValueOwner;
  /** It was online before and is written again: nothing else is made of it. */
  readonly again: boolean;
  readonly size_bytes: number;
  visibleAt_us: number;
}

/** Who gets the acknowledged values back, in the order in which they were given. */
export interface ValueOwner {
  readonly entity: EntityPlan;
  readonly canary: OnlineCanary;
  /** The partition was taken away: its values are no longer written. */
  readonly isReleased: boolean;
  acknowledged(values: readonly PendingValue[]): void;
}

/** Is told of every value that the store has acknowledged. */
export interface OnlineTraces {
  acknowledged(emission: Emission, isThis: boolean): void;
}

export interface OnlineWriterOptions {
  readonly store: OnlineStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Null or absent: no row is traced. */
  readonly traces?: OnlineTraces | null;
  readonly failed: (error: Error) => void;
  /** Acknowledged values of this owner were lost: all are to be written again. */
  readonly lost: (owner: ValueOwner) => void;
}

interface Waiter {
  readonly isReached: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class OnlineWriter {
  private readonly options: OnlineWriterOptions;
  private readonly freshness: FreshnessMetrics;
  private queue: PendingValue[] = [];
  private writing: Promise<void> | null = null;
  /** Owners whose canary is to be looked at, whether they have values or not. */
  private beats = new Set<ValueOwner>();
  private incarnation: string | null = null;
  private stopped = false;
  private failing = false;
  private waiters: Waiter[] = [];
  private bytes = 0;
  private added = 0;
  private settled = 0;

  constructor(options: OnlineWriterOptions) {
    this.options = options;
    this.freshness = new FreshnessMetrics(options.metrics);
  }

  /** Values that are not acknowledged. {@link settle} counts the same ones. */
  get pending(): number {
    return this.added - this.settled;
  }

  /** Their memory, about. */
  get pending_bytes(): number {
    return this.bytes;
  }

  /** The last call failed: values wait for the store. */
  get isWaiting(): boolean {
    return this.failing;
  }

  /** @param again the values were online before. */
  add(owner: ValueOwner, emissions: readonly Emission[], again = false): void {
    for (const emission of emissions) {
      const size_bytes = sizeOf(emission);
      this.bytes += size_bytes;
      this.queue.push({ emission, owner, again, size_bytes, visibleAt_us: 0 });
    }
    this.added += emissions.length;
    this.start();
  }

  /** Looks whether what is acknowledged is still there. */
  beat(owners: Iterable<ValueOwner>): void {
    for (const owner of owners) this.beats.add(owner);
    this.start();
  }

  /** Resolves when all that was added before is acknowledged, or at most `pending` values are not. */
  settle(pending = 0): Promise<void> {
    const until = this.added - pending;
    return this.until(() => this.settled >= until);
  }

  /** Resolves when values of at most so many bytes are not acknowledged. */
  room(bytes: number): Promise<void> {
    return this.until(() => this.bytes <= bytes);
  }

  private until(isReached: () => boolean): Promise<void> {
    if (isReached()) return Promise.resolve();
    if (this.stopped) return Promise.reject(givenUp());
    return new Promise((resolve, reject) => this.waiters.push({ isReached, resolve, reject }));
  }

  /** Gives up what is not acknowledged: who waits for it is told. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.writing;
    for (const { reject } of this.waiters.splice(0)) reject(givenUp());
  }

  private start(): void {
    if (this.hasWork) this.writing ??= this.write();
  }

  private get hasWork(): boolean {
    return this.queue.length > 0 || this.beats.size > 0;
  }

  private async write(): Promise<void> {
    // One turn later: what the same batch of frames still emits goes along.
    await Promise.resolve();
    let backoff_ms = firstBackoff_ms;
    while (this.hasWork && !this.stopped) {
      const values = this.queue.slice(0, callLimit);
      this.queue = this.queue.slice(values.length);
      try {
        await this.call(values);
        backoff_ms = firstBackoff_ms;
        this.failing = false;
        this.settled += values.length;
        for (const { size_bytes } of values) this.bytes -= size_bytes;
      } catch (error) {
        if (!(error instanceof RetriableError)) {
          this.options.failed(error as Error);
          return;
        }
        this.queue = [...values, ...this.queue];
        this.failing = true;
        this.options.metrics.counter('millrace_online_failures_total', {}).add(1);
        this.options.metrics.counter('millrace_online_writes_total', { result: 'retried' }).add(values.length);
        this.options.logger.warn(
          { backoff_ms, pending: this.queue.length, error: messageOf(error) },
          'the online store does not answer; trying again',
        );
        await sleep(this.options.clock, backoff_ms);
        backoff_ms = Math.min(backoff_ms * 2, longestBackoff_ms);
      }
      this.wake();
    }
    this.writing = null;
  }

  private wake(): void {
    const ready = this.waiters.filter(({ isReached }) => isReached());
    this.waiters = this.waiters.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }

  private async call(values: readonly PendingValue[]): Promise<void> {
    const { store, clock, metrics } = this.options;
    const newest = new Map<string, PendingValue>();
    const keys = values.map((value) => writeKey(value));
    values.forEach((value, i) => {
      // What a repair writes again may stand behind a newer value.
      const isNewer = (newest.get(keys[i]!)?.emission.position ?? -1) <= value.emission.position;
      if (!value.owner.isReleased && isNewer) newest.set(keys[i]!, value);
    });
    const written = [...newest.keys()];
    const beats = this.beats;
    this.beats = new Set();
    const canaries = canariesOf(values, beats);
    if (written.length === 0 && canaries.length === 0) return;
    const started_ms = clock.monotonic_ms();
    const { stored, found, incarnation } = await store.upsert(
      [...newest.values()].map(({ owner, emission }) => onlineWriteOf(owner.entity, emission)),
      canaries.map(({ canary }) => canary),
    );
    metrics.histogram('millrace_online_write_seconds', {}).observe((clock.monotonic_ms() - started_ms) / 1000);
    const byKey = new Map(written.map((key, i) => [key, stored[i]!]));
    this.acknowledge(values, keys, byKey);
    this.checkCanaries(canaries, found, incarnation);
  }

  private checkCanaries(given: readonly GivenCanary[], found: readonly (number | null)[], incarnation: string): void {
    const isNewStore = this.incarnation !== null && this.incarnation !== incarnation;
    this.incarnation = incarnation;
    given.forEach(({ owner, canary }, i) => {
      if (owner.isReleased || !owner.canary.found(canary, found[i]!, isNewStore)) return;
      this.options.metrics.counter('millrace_online_losses_total', {}).add(1);
      this.options.logger.warn(
        { task: canary.task, found: found[i]!, expected: canary.expected ?? null, isNewStore },
        'the online store has lost acknowledged values; writing all of them again',
      );
      this.options.lost(owner);
    });
    // A store that went away and came back: tasks that were not in this call have lost values too.
    if (isNewStore) this.beat(new Set(this.queue.map(({ owner }) => owner)));
  }

  private acknowledge(
    values: readonly PendingValue[],
    keys: readonly string[],
    byKey: ReadonlyMap<string, OnlineStored>,
  ): void {
    const { metrics, traces = null } = this.options;
    const byOwner = new Map<ValueOwner, PendingValue[]>();
    let applied = 0;
    let again = 0;
    values.forEach((value, i) => {
      const stored = byKey.get(keys[i]!);
      if (stored === undefined || value.owner.isReleased) return;
      value.visibleAt_us = stored.visibleAt_us;
      traces?.acknowledged(value.emission, stored.position === value.emission.position);
      if (value.again) again++;
      else if (stored.applied && stored.position === value.emission.position) {
        applied++;
        this.freshness.observe(value.emission, value.visibleAt_us);
      }
      const own = byOwner.get(value.owner);
      if (own === undefined) byOwner.set(value.owner, [value]);
      else own.push(value);
    });
    byOwner.forEach((own, owner) => {
      owner.acknowledged(own);
    });
    metrics.counter('millrace_online_writes_total', { result: 'applied' }).add(applied);
    metrics.counter('millrace_online_writes_total', { result: 'republished' }).add(again);
    metrics
      .counter('millrace_online_writes_total', { result: 'refused' })
      .add(Math.max(0, byKey.size - applied - again));
    metrics.counter('millrace_online_writes_total', { result: 'coalesced' }).add(values.length - byKey.size);
  }
}

interface GivenCanary {
  readonly owner: ValueOwner;
  readonly canary: Canary;
}

/** How far each owner's values of this call reach. Values are called in the order of their positions, so nothing below is missing. */
function canariesOf(values: readonly PendingValue[], beats: ReadonlySet<ValueOwner>): GivenCanary[] {
  const reached = new Map<ValueOwner, number>([...beats].map((owner) => [owner, -1]));
  for (const { owner, emission, again } of values) {
    const before = reached.get(owner) ?? -1;
    if (!again) reached.set(owner, Math.max(before, emission.position));
    else if (!reached.has(owner)) reached.set(owner, before);
  }
  return [...reached].flatMap(([owner, position]) => {
    const canary = owner.isReleased ? null : owner.canary.give(position);
    return canary === null ? [] : [{ owner, canary }];
  });
}

/** Of a value that waits: its objects, and the row that it keeps. */
const overhead_bytes = 500;
const scalar_bytes = 24;

function sizeOf({ key, values }: Emission): number {
  let bytes = overhead_bytes + 2 * key.length;
  for (const value of values) bytes += typeof value === 'string' ? scalar_bytes + 2 * value.length : scalar_bytes;
  return bytes;
}

const givenUp = (): Error =>
  new RetriableError('store-unavailable', 'the worker stops before the online store has acknowledged all values');

const writeKey = ({ emission, owner }: PendingValue): string =>
  `${owner.entity.name}/${emission.view.name}/${emission.key}`;
