/** Whether every key online has the value that the database has, as of a time that has passed for all. */
import { bookkeepingField, parseBookkeeping } from '../../online/online-store.ts';
import { onlineTexts, type NaiveOracle } from './naive-oracle.ts';
import { valuesWhere } from './naive-oracle/naive-task.ts';
import type { ViewSpec } from './naive-oracle/spec.ts';
import type { World } from './world.ts';

/** idleTimeout + 2 s, and the second until marks are told. */
const told_us = 4_000_000;

/** @returns a line for each difference. */
export async function onlineDifferences(world: World, oracle: NaiveOracle): Promise<string[]> {
  const differences: string[] = [];
  const outOfOrderness_us = Math.max(...world.spec.tables.map((table) => table.outOfOrderness_us));
  const quiet_us = outOfOrderness_us + told_us * world.clock.acceleration;
  for (const view of world.spec.views) {
    const passed_us = world.clock.now_ms() * 1000 - quiet_us - periodOf(view);
    const { features } = world.entity.views.find(({ name }) => name === view.name)!;
    const keys = oracle.keysOf(view);
    const hashes = await world.online.read(keys.map((key) => onlineKey(view.name, key)));
    keys.forEach((key, i) => {
      const hash = hashes[i];
      const text = hash?.get(bookkeepingField(view.name));
      if (hash === null || hash === undefined || text === undefined) {
        differences.push(`${view.name} of ${key} is not online`);
        return;
      }
      const { asOf_us, position } = parseBookkeeping(text);
      const found = features.map(({ name }) => hash.get(name) ?? null);
      for (const at_us of new Set([asOf_us, Math.max(asOf_us, passed_us)])) {
        const isCompared = at_us === asOf_us ? found.map(() => true) : staysBetween(view);
        const only = (all: readonly unknown[]): string => JSON.stringify(all.filter((_, f) => isCompared[f]));
        const expected = onlineTexts(view, oracle.valuesAt(oracle.whole, view, key, at_us));
        if (only(found) !== only(expected))
          differences.push(
            `${view.name} of ${key} at position ${position}, as of ${asOf_us}, recounted as of ${at_us}: ` +
              `${only(found)}, wanted ${only(expected)}`,
          );
      }
    });
  }
  return differences;
}

/** How much older than the time that has passed a value may be. */
const periodOf = ({ emit }: ViewSpec): number => (emit.kind === 'every' ? emit.interval_us : 0);

/** Which values change only when rows come or leave. */
const staysBetween = (view: ViewSpec): boolean[] =>
  valuesWhere(view, ({ aggregate }) => aggregate.function !== 'timeSinceLast');

const onlineKey = (view: string, key: string): string => `${view}:${key}`;
