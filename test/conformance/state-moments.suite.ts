/** What holds for the snapshots of every StateStore: they are of one moment. */
import { expect, test } from 'vitest';
import type { StateCheckpoint, StateEntry, StateStore } from '../../src/state/state-store.ts';

let names = 0;
/** A task that no other test uses. */
const newTask = (): string => `moment${String(names++).padStart(3, '0')}/0`;
const at = (changelogOffset: number): StateCheckpoint => ({ changelogOffset, written_ms: 1, definition: 'd1' });
const numbered = (from: number, to: number, value = 'v'): StateEntry[] =>
  Array.from({ length: to - from }, (_, i) => ({
    key: Buffer.from(`k${String(from + i).padStart(6, '0')}`),
    value: Buffer.from(value),
  }));

/** Checkpoint and entries of a snapshot, which is closed. */
async function momentOf(store: StateStore, task: string): Promise<[StateCheckpoint, Set<string>, number] | null> {
  const snapshot = await store.snapshot(task);
  if (snapshot === null) return null;
  const values = new Set<string>();
  let count = 0;
  for await (const batch of snapshot.entries) {
    count += batch.length;
    for (const { value } of batch) values.add(Buffer.from(value!).toString());
  }
  await snapshot.close();
  return [snapshot.checkpoint, values, count];
}

export function moments(open: () => StateStore): void {
  test('a snapshot of a task that was never written, or was cleared, is null; one without entries is not', async () => {
    const task = newTask();
    expect(await open().snapshot(task)).toBeNull();
    await open().write([{ task, entries: [], checkpoint: at(4) }]);
    expect(await momentOf(open(), task)).toEqual([at(4), new Set(), 0]);
    await open().clear(task);
    expect(await open().snapshot(task)).toBeNull();
  });

  test('a snapshot is as of its call, while writes and a clear go on', async () => {
    const task = newTask();
    await open().write([{ task, entries: numbered(0, 5000, 'before'), checkpoint: at(1) }]);
    const taking = open().snapshot(task);
    await open().write([{ task, entries: numbered(0, 6000, 'after'), checkpoint: at(2) }]);
    const snapshot = (await taking)!;
    await open().clear(task);
    let count = 0;
    for await (const batch of snapshot.entries) {
      count += batch.length;
      for (const { value } of batch) expect(Buffer.from(value!).toString()).toBe('before');
    }
    await snapshot.close();
    expect([snapshot.checkpoint, count]).toEqual([at(1), 5000]);
  });

  test('checkpoint and entries of a snapshot are of one moment', async () => {
    const task = newTask();
    const write = (n: number): Promise<void> =>
      open().write([{ task, entries: numbered(0, 50 + n, String(n)), checkpoint: at(n) }]);
    await write(0);
    let isDone = false;
    const writing = (async () => {
      for (let n = 1; n <= 150; n++) await write(n);
      isDone = true;
    })();
    while (!isDone) {
      const [checkpoint, values, count] = (await momentOf(open(), task))!;
      const n = checkpoint.changelogOffset;
      expect([checkpoint, values, count]).toEqual([at(n), new Set([String(n)]), 50 + n]);
    }
    await writing;
  });

  test('a snapshot that is given up, before or in its middle, keeps nothing busy', async () => {
    const task = newTask();
    await open().write([{ task, entries: numbered(0, 5000), checkpoint: at(1) }]);
    const unread = (await open().snapshot(task))!;
    await unread.close();
    await unread.close();
    const begun = (await open().snapshot(task))!;
    for await (const batch of begun.entries) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
    await begun.close();
    await open().write([{ task, entries: [...numbered(0, 1, 'a')], checkpoint: at(2) }]);
  });
}
