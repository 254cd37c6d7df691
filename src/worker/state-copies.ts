/**
 * Copies of the states of tasks that other workers serve. A worker that starts brings them to its disk before it takes part (warm-up), so
 * that a task stands still no longer than its last records take; and, if asked for, it keeps them up while others serve (standby).
 */
import type { EntityPlan } from '../define/plan.ts';
import { messageOf } from '../errors.ts';
import type { TopicPartition } from '../log/log.ts';
import { entityPlaces } from './entity-place.ts';
import { Repeater } from './repeater.ts';
import { partitionId } from '../log/partition-id.ts';
import { RestoringTask, type RestoreProgress, type StateOwner } from './restoring-task.ts';
import { StateCatchUp, type StateCatchUpOptions } from './state-catch-up.ts';

/** Changelog records that a copy may be behind, over all tasks, when the worker takes part. */
const lagBound_records = 1000;

export interface CopyLimits {
  /** How long a start may wait for copies, milliseconds; 0: it takes part at once. */
  readonly warmUp_ms: number;
  /** How often copies are brought up while the worker runs, milliseconds; 0: never. */
  readonly standbyInterval_ms: number;
}

export interface StateCopiesOptions extends StateCatchUpOptions {
  readonly limits: CopyLimits;
  readonly entities: readonly EntityPlan[];
  readonly application: string;
  /** Of the entity tasks. */
  readonly group: string;
  /** Whether a task is this worker's own, by its entity partition. */
  readonly isOwned: (at: TopicPartition) => boolean;
}

/** A task that another worker serves. */
interface Copy extends StateOwner {
  isReleased: boolean;
}

export class StateCopies {
  private readonly options: StateCopiesOptions;
  private catchUp: StateCatchUp | null = null;
  /** Those that are brought up now, from before anything of them is asked for, */
  private wanted: readonly Copy[] = [];
  /** and how far they are. */
  private current: readonly RestoringTask<Copy>[] = [];
  private turn: Promise<unknown> = Promise.resolve();
  private standby: Repeater | null = null;
  private stopped = false;

  constructor(options: StateCopiesOptions) {
    this.options = options;
  }

  /** Of the warm-up. */
  get progress(): readonly RestoreProgress[] {
    return this.standby === null ? this.current.map(({ progress }) => progress) : [];
  }

  /**
   * Brings the states of all tasks that others serve, until they are less than a bound behind, or the time is up. Whichever of them this
   * worker is given is not known before.
   */
  async warmUp(): Promise<void> {
    const { limits, logger } = this.options;
    if (limits.warmUp_ms === 0) return;
    try {
      const copies = await this.servedByOthers();
      if (copies.length > 0 && !this.stopped) await this.warmUpNow(copies);
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'states are not copied before tasks are taken over');
    }
    if (limits.standbyInterval_ms === 0) await this.close();
  }

  private async warmUpNow(copies: readonly Copy[]): Promise<void> {
    const { clock, logger, metrics, limits } = this.options;
    const started_ms = clock.monotonic_ms();
    const cancel = clock.after(limits.warmUp_ms, () => {
      for (const copy of copies) copy.isReleased = true;
    });
    logger.info(
      { tasks: copies.length },
      'the states of tasks that other workers serve are copied before any is taken over',
    );
    const isTimeUp = (): boolean => copies.some(({ isReleased }) => isReleased);
    let lag = Infinity;
    try {
      // Each turn is shorter than the one before it, or this worker is slower than those that write.
      for (let before = Infinity; !this.stopped; before = lag) {
        lag = await this.bring(copies);
        if (isTimeUp() || lag <= lagBound_records || lag > before / 2) break;
      }
    } finally {
      cancel();
    }
    const took_ms = clock.monotonic_ms() - started_ms;
    metrics.histogram('millrace_warm_up_seconds', {}).observe(took_ms / 1000);
    logger.info(
      { tasks: copies.length, records_left: lag, took_ms },
      isTimeUp() ? 'the copies are not done, and time is up' : 'the copies are done',
    );
  }

  /** From now on copies are kept up. */
  startStandby(): void {
    const { clock, limits, logger } = this.options;
    if (limits.standbyInterval_ms === 0) return;
    const bring = async (): Promise<void> => {
      const copies = this.all().filter(({ at }) => !this.options.isOwned(at));
      this.options.metrics.gauge('millrace_standby_records_left', {}).set(await this.bring(copies));
    };
    this.standby = new Repeater(clock, limits.standbyInterval_ms, bring, (error) => {
      logger.warn({ error: messageOf(error) }, 'standby copies were not brought up; tried again');
    });
  }

  /**
   * They are this worker's own now. Resolves when nothing is written to their copies any more: what is older than a commit would be
   * read by keys that come back to memory.
   */
  async letGo(partitions: readonly TopicPartition[]): Promise<void> {
    const ids = new Set(partitions.map(partitionId));
    for (const copy of this.wanted) if (ids.has(partitionId(copy.at))) copy.isReleased = true;
    await this.turn.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.catchUp?.giveUp();
    await this.standby?.stop();
    await this.close();
  }

  private async close(): Promise<void> {
    await this.turn.catch(() => undefined);
    await this.catchUp?.close();
    this.catchUp = null;
  }

  private all(): Copy[] {
    const { application, entities } = this.options;
    return entities.flatMap((entity) =>
      entityPlaces(application, entity).map((place) => ({ ...place, isReleased: false })),
    );
  }

  /** None when this worker is known to the group by its static name: it is given what it had. */
  private async servedByOthers(): Promise<readonly Copy[]> {
    const { log, group } = this.options;
    const members = await log.groupMembers(group);
    if (members.some(({ isOwn }) => isOwn)) return [];
    const served = new Set(members.flatMap(({ partitions }) => partitions.map(partitionId)));
    return this.all().filter(({ at }) => served.has(partitionId(at)));
  }

  /** @returns how many records the copies lacked when it was done. */
  private bring(copies: readonly Copy[]): Promise<number> {
    const result = this.turn.then(() => this.bringNow(copies));
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async bringNow(copies: readonly Copy[]): Promise<number> {
    const catchUp = await this.opened();
    const wanted = copies.filter((copy) => !copy.isReleased && !this.options.isOwned(copy.at));
    if (wanted.length === 0 || this.stopped) return 0;
    const changelogs = wanted.map(({ changelog }) => changelog);
    this.wanted = wanted;
    try {
      const asked_ms = this.options.clock.now_ms();
      const ends = await catchUp.ends(changelogs);
      this.current = wanted.map((copy, i) => new RestoringTask(copy, ends[i]!, asked_ms));
      await catchUp.bring(this.current);
      const now = await catchUp.ends(changelogs);
      return this.current.reduce((sum, { next }, i) => sum + Math.max(0, now[i]! - next), 0);
    } finally {
      this.wanted = [];
      this.current = [];
    }
  }

  private async opened(): Promise<StateCatchUp> {
    if (this.catchUp === null) {
      this.catchUp = new StateCatchUp(this.options);
      await this.catchUp.start();
    }
    return this.catchUp;
  }
}
