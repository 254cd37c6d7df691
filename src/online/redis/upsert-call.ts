/** Writes and canaries as calls of the server's function, and its replies. */
import {
  bookkeepingField,
  type Canary,
  type OnlineStored,
  type OnlineView,
  type OnlineWrite,
} from '../online-store.ts';

/** Writes of one function call at most: the server runs nothing else meanwhile. */
const callWrites = 500;

const canaryKey = (task: string): string => `millrace:canary:${task}`;

export interface UpsertCall {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  /** Puts what the server replied where the writes and the canaries stood. */
  read(reply: readonly string[], result: { readonly stored: OnlineStored[]; readonly found: (number | null)[] }): void;
}

/** The canaries are in the last call. */
export function upsertCalls(writes: readonly OnlineWrite[], canaries: readonly Canary[]): UpsertCall[] {
  const calls: UpsertCall[] = [];
  let start = 0;
  for (; writes.length - start > callWrites; start += callWrites)
    calls.push(callOf(writes, start, start + callWrites, []));
  if (start < writes.length || canaries.length > 0) calls.push(callOf(writes, start, writes.length, canaries));
  return calls;
}

function callOf(writes: readonly OnlineWrite[], start: number, end: number, canaries: readonly Canary[]): UpsertCall {
  const keys: string[] = [];
  const args: (string | number)[] = [canaries.length];
  for (const { expected, position } of canaries) args.push(expected ?? '', position);
  const sections = sectionsOf(writes, start, end);
  for (const [{ name, fields }, indexes] of sections) {
    args.push(bookkeepingField(name), indexes.length, fields.length, ...fields);
    for (const index of indexes) {
      const { key, generation, position, asOf_us, values } = writes[index]!;
      keys.push(key);
      args.push(generation, position, asOf_us);
      for (const value of values) args.push(value === null ? '' : `=${value}`);
    }
  }
  for (const { task } of canaries) keys.push(canaryKey(task));
  return {
    keys,
    args,
    read: ([now, ...answers], { stored, found }) => {
      let i = 0;
      for (const indexes of sections.values()) {
        for (const index of indexes) stored[index] = parseAnswer(answers[i++]!, writes[index]!, Number(now));
      }
      canaries.forEach((_, c) => {
        const answer = answers[i++]!;
        found[c] = answer === '' ? null : Number(answer);
      });
    },
  };
}

/** Writes of one view stand together; a key's writes keep their order, since all of them are of the same views. */
function sectionsOf(writes: readonly OnlineWrite[], start: number, end: number): Map<OnlineView, number[]> {
  const sections = new Map<OnlineView, number[]>();
  for (let index = start; index < end; index++) {
    const { view } = writes[index]!;
    const section = sections.get(view);
    if (section === undefined) sections.set(view, [index]);
    else section.push(index);
  }
  return sections;
}

function parseAnswer(answer: string, write: OnlineWrite, now_us: number): OnlineStored {
  if (answer === '')
    return { applied: true, generation: write.generation, position: write.position, visibleAt_us: now_us };
  const [applied, generation, position, visibleAt_us] = answer.split(':').map(Number);
  return { applied: applied === 1, generation: generation!, position: position!, visibleAt_us: visibleAt_us! };
}
