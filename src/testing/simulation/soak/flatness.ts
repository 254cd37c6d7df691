/** Whether figures of many days stay where they are: the last third of the days against the first, once the longest window is full. */
import type { SoakDay } from './soak-day.ts';

/** What chance makes of a figure from one day to another; of the medians of n days, it makes less. */
const tolerance = 0.6;
const slack = 180;

/** @param warmUp days that are not looked at. @returns a line for each figure that has grown. */
export function growth(days: readonly SoakDay[], warmUp: number): string[] {
  const counted = days.slice(warmUp);
  const third = Math.max(1, Math.floor(counted.length / 3));
  if (counted.length < 2) throw new RangeError(`${days.length} days, ${warmUp} of them to warm up, show no growth`);
  const [first, last] = [counted.slice(0, third), counted.slice(-third)];
  const names = new Set(counted.flatMap(({ figures }) => [...figures.keys()]));
  return [...names].sort().flatMap((name) => {
    const [early, late] = [median(first, name), median(last, name)];
    if (late <= early + (early * tolerance + slack) / Math.sqrt(third)) return [];
    return [`I9: ${name}: about ${early} until day ${first.at(-1)!.day}, ${late} from day ${last[0]!.day}`];
  });
}

function median(days: readonly SoakDay[], name: string): number {
  const sorted = days.map(({ figures }) => figures.get(name) ?? 0).sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
