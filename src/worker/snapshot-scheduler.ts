/** Puts a snapshot of each running entity task into the object store now and then, one after another. */
import { messageOf, RetriableError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ObjectStore } from '../offline/object-store.ts';
import { SnapshotReader } from '../state/snapshots/snapshot-reader.ts';
import { expireSnapshots, writeSnapshot } from '../state/snapshots/snapshot-writer.ts';
import type { SnapshotTask } from '../state/snapshots/snapshot-names.ts';
import type { StateStore } from '../state/state-store.ts';
import { atMost, type Clock } from '../time/clock.ts';
import type { OwnedEntityPartition } from './owned-entity-partition.ts';
import { Repeater } from './repeater.ts';
import { snapshotTaskOf } from './snapshot-restore.ts';

const defaultPart_bytes = 4 * 1024 * 1024;
/** About a hundred seconds for a gigabyte: a worker's rows do not notice it. */
const rate_bytes = 10 * 1024 * 1024;
const longestLook_ms = 10_000;
/** What a snapshot that is under way may cost a worker that ends: it is given up between two parts. */
const stopBudget_ms = 1000;

/** Where snapshots go and how often each task has one. */
export interface StateSnapshots {
  readonly objects: ObjectStore;
  readonly interval_ms: number;
  /** Default 4 MiB. */
  readonly part_bytes?: number;
}

export interface SnapshotSchedulerOptions extends StateSnapshots {
  readonly log: Log;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly owned: () => Iterable<OwnedEntityPartition>;
}

/** The newest snapshot of a task, as far as it is known here. */
interface Newest {
  readonly offset: number;
  readonly written_ms: number;
}

const none: Newest = { offset: -1, written_ms: -Infinity };

export class SnapshotScheduler {
  private readonly options: SnapshotSchedulerOptions;
  private readonly newest = new WeakMap<OwnedEntityPartition, Newest>();
  private repeater: Repeater | null = null;
  private stopped = false;

  constructor(options: SnapshotSchedulerOptions) {
    this.options = options;
  }

  start(): void {
    const { clock, logger, interval_ms } = this.options;
    const look_ms = Math.max(1, Math.min(longestLook_ms, interval_ms / 10));
    const failed = (error: unknown): void => {
      logger.warn({ error: messageOf(error) }, 'no snapshots of state for now');
    };
    this.repeater = new Repeater(clock, look_ms, () => this.look(), failed);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await atMost(this.options.clock, stopBudget_ms, this.repeater?.stop() ?? Promise.resolve());
  }

  private async look(): Promise<void> {
    const { interval_ms, clock } = this.options;
    for (const owned of [...this.options.owned()]) {
      if (!this.goesOn(owned)) continue;
      const newest = this.newest.get(owned);
      if (newest !== undefined && clock.now_ms() < newest.written_ms + interval_ms) continue;
      await this.snapshot(owned);
    }
  }

  private goesOn(owned: OwnedEntityPartition): boolean {
    return !this.stopped && owned.task !== null;
  }

  private async snapshot(owned: OwnedEntityPartition): Promise<void> {
    const { log, logger, metrics, interval_ms, clock } = this.options;
    const now_ms = clock.now_ms();
    try {
      const of = await snapshotTaskOf(log, owned);
      if (of === null) return;
      let newest = this.newest.get(owned);
      // Its last owner may have put one a moment ago.
      if (newest === undefined) this.newest.set(owned, (newest = await this.found(of)));
      if (now_ms < newest.written_ms + interval_ms) return;
      const offset = await this.write(owned, of, newest);
      if (offset !== null) this.newest.set(owned, { offset, written_ms: now_ms });
    } catch (error) {
      if (!this.goesOn(owned)) return;
      // Tried again a whole interval later: who cannot put cannot be hurried.
      this.newest.set(owned, { offset: this.newest.get(owned)?.offset ?? -1, written_ms: now_ms });
      metrics.counter('millrace_state_snapshots_total', { result: 'failed' }).add(1);
      const level = error instanceof RetriableError ? 'warn' : 'error';
      logger[level](
        { task: owned.taskName, error: messageOf(error) },
        'no snapshot of the state; the next one is tried',
      );
    }
  }

  /** @returns the changelog offset of the snapshot; null when it was given up. */
  private async write(owned: OwnedEntityPartition, of: SnapshotTask, newest: Newest): Promise<number | null> {
    const { objects, store, clock, logger, metrics, part_bytes = defaultPart_bytes } = this.options;
    const snapshot = await store.snapshot(of.task);
    if (snapshot === null) return null;
    try {
      if (snapshot.checkpoint.changelogOffset <= newest.offset) return newest.offset;
      const started_ms = clock.monotonic_ms();
      const options = { objects, clock, part_bytes, rate_bytes };
      const manifest = await writeSnapshot(options, of, snapshot, () => this.goesOn(owned));
      if (manifest === null) return null;
      const { changelogOffset, entries, parts } = manifest;
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      const took_ms = clock.monotonic_ms() - started_ms;
      metrics.counter('millrace_state_snapshots_total', { result: 'written' }).add(1);
      metrics.counter('millrace_state_snapshot_bytes_total', {}).add(bytes);
      metrics.histogram('millrace_state_snapshot_seconds', {}).observe(took_ms / 1000);
      const expired = await expireSnapshots(objects, of);
      logger.info({ task: of.task, changelogOffset, entries, bytes, took_ms, expired }, 'snapshot of state put');
      return changelogOffset;
    } finally {
      await snapshot.close();
    }
  }

  private async found(of: SnapshotTask): Promise<Newest> {
    // What cannot be used or read counts as none.
    const reader = new SnapshotReader(this.options.objects, () => undefined);
    for (const offset of await reader.offsets(of)) {
      const manifest = await reader.manifest(of, offset, { end: Infinity, oldest_ms: -Infinity });
      if (manifest !== null) return { offset, written_ms: manifest.written_ms };
    }
    return none;
  }
}
