/** Bugs at the stores: online and offline. */
import type { Mutant } from './runner.ts';

export const online: readonly Mutant[] = [
  {
    name: 'what a repair writes again replaces a newer value',
    file: 'worker/online-writer.ts',
    find: 'if (!value.owner.isReleased && isNewer) newest.set(keys[i]!, value);',
    replace: 'if (!value.owner.isReleased) newest.set(keys[i]!, value);',
    why: 'the value of before stays online',
    seeds: 200,
  },
  {
    name: 'fence removed',
    file: 'online/memory/memory-online-store.ts',
    find: 'if (stored !== null && isOlder(write, stored)) return { applied: false, ...pick(stored) };',
    replace: '',
    why: "a zombie's late write replaces a newer value",
  },
  {
    name: 'fence by wall clock',
    file: 'worker/online-writer.ts',
    find: 'onlineWriteOf(owner.entity, emission)',
    replace: 'onlineWriteOf(owner.entity, { ...emission, position: this.options.clock.now_ms() })',
    why: 'a worker that was frozen writes what is old as if it were new',
  },
  {
    name: 'position left out of the fence',
    file: 'online/memory/memory-online-store.ts',
    find: 'return write.position < stored.position;',
    replace: 'return write.asOf_us < stored.asOf_us;',
    why: 'of two values as of one time an older one may win',
  },
  {
    name: 'retried values behind newer ones',
    file: 'worker/online-writer.ts',
    find: 'this.queue = [...values, ...this.queue];',
    replace: 'this.queue = [...this.queue, ...values];',
    why: 'values are acknowledged out of their order',
  },
  {
    name: 'canary never checked',
    file: 'worker/online-writer.ts',
    find: 'if (owner.isReleased || !owner.canary.found(canary, found[i]!, isNewStore)) return;',
    replace: 'if (owner.isReleased || !owner.canary.found(canary, canary.position, isNewStore)) return;',
    why: 'values that the store has lost stay lost',
  },
  {
    name: 'canary raised before the writes',
    file: 'worker/online-writer.ts',
    find: 'const { stored, found, incarnation } = await store.upsert(',
    replace: `await store.upsert([], canaries.map(({ canary }) => canary));
    const { stored, found, incarnation } = await store.upsert(`,
    why: 'the store says that it holds what it never got',
    seeds: 600,
  },
  {
    name: 'canary raised in the middle of a repair',
    file: 'worker/online-canary.ts',
    find: 'return { task, position: state.floor === null ? -1 : above(state.floor), expected: state.floor };',
    replace: 'return { task, position: highest, expected: state.floor };',
    why: 'who takes over in the middle of a repair believes that it is done',
    seeds: 600,
  },
  {
    name: 'values on disk not repaired',
    file: 'worker/online-repair.ts',
    find: 'yield entries.flatMap((entry) => onDisk.take(entry) ?? []);',
    replace: 'yield entries.flatMap(() => []);',
    why: 'quiet keys are missing online after a flush',
  },
  {
    name: 'emptied keys forgotten',
    file: 'entity/key-table.ts',
    find: 'if (emptied.position >= 0) this.codec.writeEmptied(out, emptied);',
    replace: '',
    why: 'quiet keys are missing online after a flush',
  },
  {
    name: 'repaired values in the feature log',
    file: 'worker/owned-entity-partition.ts',
    find: 'for (const value of values) if (!value.again) this.visible.push(value);',
    replace: 'for (const value of values) this.visible.push(value);',
    why: 'rows stand in the feature log twice',
  },
];

export const offline: readonly Mutant[] = [
  {
    name: 'offline commit before the puts',
    file: 'offline/offline-task.ts',
    find: 'return Math.min(this.next, ...waiting);',
    replace: 'return Math.max(this.next, ...waiting.filter((offset) => offset < 0));',
    why: 'records that were held by a dying worker are in no file',
  },
  {
    name: 'offline resume without the store',
    file: 'worker/offline-runner.ts',
    find: 'if (name !== undefined) stored.set(view.name, await this.lastOffsetOf(name));',
    replace: 'if (name === undefined) stored.set(view.name, -1);',
    why: 'files of a worker that died before its commit are written again',
  },
  {
    name: 'offline resume by the newest day',
    file: 'offline/offline-task.ts',
    find: 'if (first >= (newest.get(partition)?.first ?? 0)) newest.set(partition, { first, name });',
    replace: "if (name >= (newest.get(partition)?.name ?? '')) newest.set(partition, { first, name });",
    why: 'a file whose first row is of the day before may be the newest',
    test: 'offline/offline-task.test.ts',
  },
  {
    name: 'existing file taken for the own',
    file: 'worker/offline-runner.ts',
    find: 'task.stored(file, last);',
    replace: 'task.stored(file, file.records.at(-1)!.offset);',
    why: "another owner's file may end earlier",
  },
];
