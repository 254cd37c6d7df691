/** An entity task and the naive oracle, frame by frame beside each other. */
import { expect } from 'vitest';
import type { EntityPlan } from '../../src/define/plan.ts';
import { EntityTask, type Emission } from '../../src/entity/entity-task.ts';
import { NaiveTask, valuesWhere } from '../../src/testing/simulation/naive-oracle/naive-task.ts';
import type { EntitySpec, ViewSpec } from '../../src/testing/simulation/naive-oracle/spec.ts';
import type { HistoryFrame } from './entity-history.ts';

export class BesideOracle {
  readonly task: EntityTask;
  readonly naive: NaiveTask;
  compared = 0;
  /** Values where what was refused made a difference to the live rows. */
  refusals = 0;
  private readonly spec: EntitySpec;
  private readonly newest = new Map<string, Emission>();

  constructor(spec: EntitySpec, plan: EntityPlan) {
    this.spec = spec;
    this.task = new EntityTask(plan);
    this.naive = new NaiveTask(spec);
  }

  /** Each value is that of the oracle at its T, and T is the oracle's. */
  take({ frame, tell }: HistoryFrame, position: number): readonly Emission[] {
    const { naive, spec } = this;
    tell(naive);
    naive.settle();
    const emissions = this.task.apply(frame, position);
    for (const emission of emissions) {
      const { key, asOf_us } = emission;
      const view = spec.views[emission.view.index]!;
      this.newest.set(`${view.name} ${key}`, emission);
      this.compare(view, emission, position, asOf_us, () => true);
      if (view.emit.kind === 'changes')
        expect({ position, key, asOf_us }).toEqual({ position, key, asOf_us: naive.asOf_us(view, key) });
    }
    return emissions;
  }

  /** What was given out last of each key is what it would be now: no change was left out. Only of views that give out changes. */
  checkNow(position: number): void {
    for (const view of this.spec.views) {
      for (const key of this.naive.keysOf(view)) {
        const asOf_us = this.naive.asOf_us(view, key);
        if (asOf_us === -Infinity) continue;
        const emission = this.newest.get(`${view.name} ${key}`);
        expect({ position, view: view.name, key, isThere: emission !== undefined }).toMatchObject({ isThere: true });
        this.compare(view, emission!, position, asOf_us, ({ aggregate }) => aggregate.function !== 'timeSinceLast');
      }
    }
  }

  private compare(
    view: ViewSpec,
    { key, values }: Emission,
    position: number,
    asOf_us: number,
    isCompared: Parameters<typeof valuesWhere>[1],
  ): void {
    const { naive } = this;
    const known = naive.known(view, key);
    const chosen = valuesWhere(view, isCompared).map((isChosen, i) => isChosen && known[i]!);
    const only = (all: readonly unknown[]): unknown[] => all.filter((_, i) => chosen[i]);
    const wanted = naive.values(view, key, asOf_us);
    const at = { position, view: view.name, key, asOf_us };
    expect({ ...at, values: only(values) }).toEqual({ ...at, values: only(wanted) });
    this.compared += chosen.filter(Boolean).length;
    const all = naive.valuesOfAll(view, key, asOf_us);
    this.refusals += wanted.filter((value, i) => textOf(value) !== textOf(all[i])).length;
  }
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
