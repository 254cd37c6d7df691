/** Whether figures of many days stay where they are: the last third of the days against the first, once the longest window is full. */
import type { SoakDay } from './soak-day.ts';

/** What chance makes of a figure from day to day. */
const tolerance = 1.25;
const slack = 40;

/** @param warmUp days that are not looked at. @returns a line for each figure that has grown. */
export function growth(days: readonly SoakDay[], warmUp: number): string[] {
  const counted = days.slice(warmUp);
  const third = Math.max(1, Math.floor(counted.length / 3));
  if (counted.length < 2) throw new RangeError(`${days.length} days, ${warmUp} of them to warm up, show no growth`);
  const [first, last] = [counted.slice(0, third), counted.slice(-third)];
  const names = new Set(counted.flatMap(({ figures }) => [...figures.keys()]));
  return [...names].sort().flatMap((name) => {
    const [early, late] = [highest(first, name), highest(last, name)];
    if (late <= early * tolerance + slack) return [];
    return [`I9: ${name}: at most ${early} until day ${first.at(-1)!.day}, ${late} from day ${last[0]!.day}`];
  });
}

const highest = (days: readonly SoakDay[], name: string): number =>
  Math.max(...days.map(({ figures }) => figures.get(name) ?? 0));
