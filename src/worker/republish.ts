/**
 * Writes all current values online again, each at its own position, from what the changelogs say. Needs no worker and disturbs none:
 * where a worker has written a newer value meanwhile the fence refuses the older one, and an equal one changes nothing.
 */
import type { EntityPlan, Plan } from '../define/plan.ts';
import { EntityTask, type Emission } from '../entity/entity-task.ts';
import { PublishedOnDisk } from '../entity/published-on-disk.ts';
import { taskRecordKey } from '../entity/state-key.ts';
import { decodeTaskRecord } from '../entity/task-record.ts';
import { messageOf, MillraceError, RetriableError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { Logger } from '../observability/logger.ts';
import type { OnlineStore, OnlineStored } from '../online/online-store.ts';
import type { StateEntry, StateStore } from '../state/state-store.ts';
import { sleep, type Clock } from '../time/clock.ts';
import { copyChangelogs } from './changelog-copy.ts';
import { onlineWriteOf } from './online-write.ts';

/** Values of one call at most: rows of a running worker wait behind no more. */
const callLimit = 500;
const firstBackoff_ms = 50;
const longestBackoff_ms = 5000;
const say_ms = 5000;

export interface RepublishOptions {
  readonly plan: Plan;
  readonly application: string;
  readonly log: Log;
  /** Of this run alone; empty. */
  readonly store: StateStore;
  readonly online: OnlineStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Values per second at most. */
  readonly rate: number;
}

export interface Republished {
  readonly tasks: number;
  /** Written again, or refused since a newer one is there. */
  readonly written: number;
  readonly refused: number;
}

/**
 * @throws MillraceError `state-mismatch` when the state is of another definition: its values are other ones.
 * @throws FatalError `topic-missing`
 */
export async function republish(options: RepublishOptions): Promise<Republished> {
  const run = new Republishing(options);
  for (const entity of options.plan.entities) {
    const tasks = await copyChangelogs(options, entity);
    options.logger.info({ entity: entity.name, tasks: tasks.length }, 'changelogs read; writing all values again');
    for (const task of tasks) await run.task(entity, task);
  }
  return run.done;
}

class Republishing {
  private readonly options: RepublishOptions;
  private readonly started_ms: number;
  private said_ms: number;
  private tasks = 0;
  private written = 0;
  private refused = 0;

  constructor(options: RepublishOptions) {
    this.options = options;
    this.started_ms = options.clock.monotonic_ms();
    this.said_ms = this.started_ms;
  }

  get done(): Republished {
    const { tasks, written, refused } = this;
    return { tasks, written, refused };
  }

  async task(entity: EntityPlan, name: string): Promise<void> {
    let next: Emission[] = [];
    let onDisk: PublishedOnDisk | null = null;
    for await (const entries of this.options.store.entries(name)) {
      for (const entry of entries) {
        // Nothing is loaded: a task may be larger than memory.
        onDisk ??= new PublishedOnDisk(taskOf(entity, name, entry));
        const emission = onDisk.take(entry);
        if (emission !== null) next.push(emission);
      }
      for (; next.length >= callLimit; next = next.slice(callLimit)) await this.write(entity, next.slice(0, callLimit));
    }
    const last = onDisk?.end() ?? null;
    if (last !== null) next.push(last);
    if (next.length > 0) await this.write(entity, next);
    this.tasks++;
  }

  private async write(entity: EntityPlan, emissions: readonly Emission[]): Promise<void> {
    const { clock, rate } = this.options;
    const began_ms = clock.monotonic_ms();
    for (const { applied } of await this.call(entity, emissions)) {
      if (applied) this.written++;
      else this.refused++;
    }
    const due_ms = began_ms + (emissions.length / rate) * 1000;
    const left_ms = due_ms - clock.monotonic_ms();
    if (left_ms > 0) await sleep(clock, left_ms);
    this.say();
  }

  /** Until the store answers: the same values again change nothing. */
  private async call(entity: EntityPlan, emissions: readonly Emission[]): Promise<readonly OnlineStored[]> {
    const { online, clock, logger } = this.options;
    const writes = emissions.map((emission) => onlineWriteOf(entity, emission));
    for (let backoff_ms = firstBackoff_ms; ; backoff_ms = Math.min(backoff_ms * 2, longestBackoff_ms)) {
      try {
        return (await online.upsert(writes)).stored;
      } catch (error) {
        if (!(error instanceof RetriableError)) throw error;
        logger.warn({ backoff_ms, error: messageOf(error) }, 'the online store does not answer; trying again');
        await sleep(clock, backoff_ms);
      }
    }
  }

  private say(): void {
    const now_ms = this.options.clock.monotonic_ms();
    if (now_ms - this.said_ms < say_ms) return;
    this.said_ms = now_ms;
    const per_s = Math.round(((this.written + this.refused) / (now_ms - this.started_ms)) * 1000);
    this.options.logger.info({ ...this.done, per_s }, 'values are being written again');
  }
}

function taskOf(entity: EntityPlan, name: string, { key, value }: StateEntry): EntityTask {
  if (Buffer.compare(key, taskRecordKey) === 0) return new EntityTask(entity, decodeTaskRecord(value!, entity));
  throw new MillraceError('state-unreadable', `${name}: there are entries, but no task record before them`);
}
