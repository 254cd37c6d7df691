/** I1: what a task does does not depend on which of its keys are in memory, and its bytes not on how often they left it. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntityTask } from '../../../src/entity/entity-task.ts';
import { stateKey } from '../../../src/entity/state-key.ts';
import { storedTimerKey } from '../../../src/entity/stored-timer.ts';
import type { KeyRef } from '../../../src/entity/task-residency.ts';
import type { EntityFrame } from '../../../src/frames/row-frame.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { histories } from '../../support/entity-history.ts';
import { expectMany, replayable, seeds } from '../../support/replayable.ts';
import { byKey, commit, hex, played, takeCommit, type Stored } from '../../support/stored-task.ts';

/** A task whose keys leave memory whenever they may, and the disk that they go to. */
class Evicting {
  readonly task: EntityTask;
  readonly disk: Stored = new Map();
  evicted = 0;
  brought = 0;
  private onItsWay: (() => void) | null = null;
  private readonly timers = new Set<string>();
  private readonly random: Random;

  constructor(task: EntityTask, random: Random) {
    this.task = task;
    this.random = random;
  }

  /** Takes a commit, which is on its way until {@link store}. */
  take(position: number): void {
    this.store();
    const { residency } = this.task;
    const put = takeCommit(this.task, position);
    const spent = residency.takeSpentTimers();
    const { taken } = residency;
    this.onItsWay = () => {
      put(this.disk);
      for (const key of spent) this.timers.delete(hex(key));
      residency.stored(taken);
    };
  }

  store(): void {
    this.onItsWay?.();
    this.onItsWay = null;
  }

  /** @param meanwhile happens before the chosen keys go. */
  evict(meanwhile: () => void): void {
    const { residency } = this.task;
    const before = residency.resident_bytes;
    if (before === 0) return;
    residency.evictEmptied();
    // Twice: those that were used get a second chance.
    for (let pass = 0; pass < 2; pass++) {
      const cold = residency.cold(this.random.chance(0.7) ? before : before * this.random.next());
      for (const { view, key, timer_us, noted_us } of cold) {
        if (!Number.isNaN(noted_us)) this.timers.delete(hex(storedTimerKey({ view, key, time_us: noted_us })));
        if (timer_us !== Infinity) this.timers.add(hex(storedTimerKey({ view, key, time_us: timer_us })));
      }
      if (pass === 1) meanwhile();
      residency.evict(cold);
    }
    if (residency.resident_bytes < before) this.evicted++;
  }

  bring(frames: readonly EntityFrame[]): void {
    const { residency } = this.task;
    for (;;) {
      const keys = residency.missingKeys(frames);
      for (const key of keys) this.bringKey(key);
      const page = residency.missingTimers(frames);
      if (page === null && keys.length === 0) return;
      if (page === null) continue;
      const [from, to] = [hex(page.from), hex(page.to)];
      const found = [...this.timers].filter((key) => key >= from && key < to).sort();
      const read = found.slice(0, page.limit).map((key) => Buffer.from(key, 'hex'));
      // While the disk answers a commit gets there, and memory is made free.
      if (this.random.chance(0.7)) {
        this.store();
        this.evict(() => undefined);
      }
      for (const key of residency.takeTimers(read)) this.bringKey(key);
    }
  }

  private bringKey(ref: KeyRef): void {
    this.brought++;
    const own = stateKey(ref.view, ref.key);
    const { residency } = this.task;
    const stored = residency.read(ref, this.disk.get(hex(own)) ?? null);
    for (const chunk of residency.chunksOf(ref, stored))
      residency.readChunk(chunk, this.disk.get(hex(chunk.key)) ?? null);
    residency.bring(ref, stored);
  }
}

/** What happens between frames: some of it while a commit is on its way. */
const turn = fc.subarray(['take', 'store', 'evict'] as const);
const turns = fc.array(turn, { minLength: 1, maxLength: 40 });

test('a task whose keys leave memory, at any point, emits the same values and leaves the same bytes', () => {
  let [evicted, brought] = [0, 0];
  replayable(300, fc.tuple(seeds, turns), histories, ([seed, plays], steps) => {
    const { plan, history } = played(seed, steps);
    if (seed % 2 === 0) history.end();
    const frames = history.frames.map(({ frame }) => frame);
    const plain = new EntityTask(plan);
    const expected = frames.map((frame, position) => plain.apply(frame, position));
    const wanted: Stored = new Map();
    commit(plain, frames.length, wanted);

    const random = new Random(seed);
    const evicting = new Evicting(new EntityTask(plan), random);
    let position = 0;
    const next = (): void => {
      // A worker brings what several frames need at once.
      const ahead = frames.slice(position, position + random.between(1, 5));
      evicting.bring(ahead);
      for (const frame of ahead) {
        expect(evicting.task.apply(frame, position)).toEqual(expected[position]);
        position++;
      }
      evicting.task.residency.forgetLookups();
    };
    for (let turn = 0; position < frames.length; turn++) {
      for (const play of plays[turn % plays.length]!) {
        if (play === 'take') evicting.take(position);
        if (play === 'store') evicting.store();
        if (play === 'evict')
          evicting.evict(() => {
            if (random.chance(0.5) && position < frames.length) next();
          });
      }
      if (position < frames.length) next();
    }
    evicting.take(position);
    evicting.store();
    expect([...evicting.disk].sort(byKey)).toEqual([...wanted].sort(byKey));
    expect(evicting.task.size).toBe(plain.size);
    evicted += evicting.evicted;
    brought += evicting.brought;
  });
  expectMany(evicted, 300);
  expectMany(brought, 300);
});
