/** Where the JavaScript thread spends its time, without a file: the top functions by their own time. */
import { Session } from 'node:inspector/promises';
import { basename } from 'node:path';

export interface ProfileEntry {
  readonly what: string;
  readonly share: number;
}

/** The functions that took most of the thread while the work ran, largest share first; what waits is `(idle)`. */
export async function profiled<T>(work: () => Promise<T>, top = 12): Promise<{ result: T; entries: ProfileEntry[] }> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 500 });
  await session.post('Profiler.start');
  const result = await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const name = functionName === '' ? '(anonymous)' : functionName;
      return [id, url === '' ? name : `${name} ${basename(url)}:${lineNumber + 1}`];
    }),
  );
  const spent = new Map<string, number>();
  let total = 0;
  for (const [i, id] of profile.samples!.entries()) {
    const delta = profile.timeDeltas![i]!;
    total += delta;
    const what = names.get(id)!;
    spent.set(what, (spent.get(what) ?? 0) + delta);
  }
  const entries = [...spent].map(([what, time]) => ({ what, share: time / total }));
  return { result, entries: entries.sort((a, b) => b.share - a.share).slice(0, top) };
}
