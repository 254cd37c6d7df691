/** Whether every key online has the value that the database has, as of a time that has passed for all. */
import { bookkeepingField, parseBookkeeping } from '../../online/online-store.ts';
import { onlineTexts, type NaiveOracle } from './naive-oracle.ts';
import { plan, type World } from './world.ts';

/** outOfOrderness + idleTimeout + 2 s, and the second until marks are told. */
const quiet_us = 6_000_000;

/** @returns a line for each difference. */
export async function onlineDifferences(world: World, oracle: NaiveOracle): Promise<string[]> {
  const differences: string[] = [];
  const passed_us = world.clock.now_ms() * 1000 - quiet_us;
  for (const view of plan.entities[0]!.views) {
    const keys = oracle.keysOf(view.name);
    const hashes = await world.online.read(keys.map((key) => onlineKey(view.name, key)));
    keys.forEach((key, i) => {
      const hash = hashes[i];
      const text = hash?.get(bookkeepingField(view.name));
      if (hash === null || hash === undefined || text === undefined) {
        differences.push(`${view.name} of ${key} is not online`);
        return;
      }
      const { asOf_us, position } = parseBookkeeping(text);
      for (const at_us of new Set([asOf_us, Math.max(asOf_us, passed_us)])) {
        const expected = onlineTexts(view.name, oracle.valuesAt(oracle.whole, view.name, key, at_us));
        const found = view.features.map(({ name }) => hash.get(name) ?? null);
        if (JSON.stringify(found) !== JSON.stringify(expected))
          differences.push(
            `${view.name} of ${key} at position ${position}, as of ${asOf_us}, recounted as of ${at_us}: ` +
              `${JSON.stringify(found)}, wanted ${JSON.stringify(expected)}`,
          );
      }
    });
  }
  return differences;
}

const onlineKey = (view: string, key: string): string => `${view}:${key}`;
