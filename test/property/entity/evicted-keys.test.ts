/**
 * I1: what a task does does not depend on which of its keys are in memory, and its bytes not on how often they left it; nor on whether it
 * was opened anew by the timers that the disk has, without its keys.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntityTask } from '../../../src/entity/entity-task.ts';
import type { EntityPlan } from '../../../src/define/plan.ts';
import { timerOf } from '../../../src/entity/key-state.ts';
import { parseStateKey, stateKey, taskRecordKey } from '../../../src/entity/state-key.ts';
import { inFront_us, storedTimerKey } from '../../../src/entity/stored-timer.ts';
import type { KeyRef } from '../../../src/entity/task-residency.ts';
import { decodeTaskRecord } from '../../../src/entity/task-record.ts';
import type { NoteChanges } from '../../../src/entity/timer-notes.ts';
import type { EntityFrame } from '../../../src/frames/row-frame.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { histories } from '../../support/entity-history.ts';
import { expectMany, replayable, seeds } from '../../support/replayable.ts';
import { byKey, commit, hex, played, restore, takeCommit, type Stored } from '../../support/stored-task.ts';

/** A task whose keys leave memory whenever they may, and the disk that they go to. */
class Evicting {
  task: EntityTask;
  readonly disk: Stored = new Map();
  evicted = 0;
  brought = 0;
  opened = 0;
  private onItsWay: (() => void) | null = null;
  private readonly plan: EntityPlan;
  private readonly timers = new Set<string>();
  /** The disk has the timers of all keys. */
  private isNoted = false;
  private readonly random: Random;

  constructor(plan: EntityPlan, random: Random) {
    this.plan = plan;
    this.task = new EntityTask(plan);
    this.random = random;
  }

  /** Takes a commit, which is on its way until {@link store}. */
  take(position: number): void {
    this.store();
    const { residency } = this.task;
    const put = takeCommit(this.task, position);
    const notes = residency.takeNotes();
    const { taken } = residency;
    this.onItsWay = () => {
      put(this.disk);
      if (notes !== null) this.write(notes);
      residency.stored(taken);
    };
  }

  private write({ removed, added }: NoteChanges): void {
    this.isNoted = true;
    for (const key of removed) this.timers.delete(hex(key));
    for (const key of added) this.timers.add(hex(key));
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
    if (!residency.askForNotes()) return;
    // Twice: those that were used get a second chance.
    for (let pass = 0; pass < 2; pass++) {
      const cold = residency.cold(this.random.chance(0.7) ? before : before * this.random.next());
      this.write(residency.noteCold(cold));
      if (pass === 1) meanwhile();
      residency.evict(cold);
    }
    if (residency.resident_bytes < before) this.evicted++;
  }

  /** The process has ended: what is on disk is there. @returns the position from which frames are applied again. */
  open(): number {
    this.onItsWay = null;
    if (!this.isNoted || this.random.chance(0.1)) {
      const { task, position } = restore(this.plan, this.disk);
      this.task = task;
      this.timers.clear();
      this.isNoted = false;
      return position;
    }
    const record = decodeTaskRecord(this.disk.get(hex(taskRecordKey))!, this.plan);
    this.task = new EntityTask(this.plan, record);
    this.task.residency.openOnDisk(record.keys);
    this.opened++;
    return record.position;
  }

  /** Of all keys on disk that have one, the timer is noted, or a place in front of all. */
  expectAllNoted(): void {
    if (!this.isNoted) return;
    for (const [at, value] of this.disk) {
      const state = parseStateKey(Buffer.from(at, 'hex'));
      if (state === null || state.chunk !== null) continue;
      const { view, key } = state;
      const time_us = timerOf(value) ?? Infinity;
      if (time_us === Infinity) continue;
      const places = [time_us, inFront_us].map((each) => hex(storedTimerKey({ time_us: each, view, key })));
      expect(places.some((place) => this.timers.has(place))).toBe(true);
    }
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
const turn = fc.subarray(['take', 'store', 'evict', 'open'] as const);
const turns = fc.array(turn, { minLength: 1, maxLength: 40 });

test('a task whose keys leave memory, at any point, emits the same values and leaves the same bytes', () => {
  let [evicted, brought, opened] = [0, 0, 0];
  replayable(300, fc.tuple(seeds, turns), histories, ([seed, plays], steps) => {
    const { plan, history } = played(seed, steps);
    if (seed % 2 === 0) history.end();
    const frames = history.frames.map(({ frame }) => frame);
    const plain = new EntityTask(plan);
    const expected = frames.map((frame, position) => plain.apply(frame, position));
    const wanted: Stored = new Map();
    commit(plain, frames.length, wanted);

    const random = new Random(seed);
    const evicting = new Evicting(plan, random);
    let [position, crashes] = [0, 0];
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
        if (play === 'open' && crashes++ < 5) position = evicting.open();
        evicting.expectAllNoted();
        if (play === 'evict')
          evicting.evict(() => {
            if (random.chance(0.5) && position < frames.length) next();
            if (random.chance(0.3)) evicting.take(position);
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
    opened += evicting.opened;
  });
  expectMany(evicted, 300);
  expectMany(brought, 300);
  expectMany(opened, 100);
});
