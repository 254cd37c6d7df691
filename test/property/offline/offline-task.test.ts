import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { expect, test } from 'vitest';
import { createFilesystemObjectStore } from '../../../src/offline/filesystem/filesystem-object-store.ts';
import type { ObjectStore } from '../../../src/offline/object-store.ts';
import { readRange } from '../../../src/offline/parquet.ts';
import { MemoryObjectStore } from '../../../src/offline/memory/memory-object-store.ts';
import {
  dayOf,
  entity,
  logOf,
  Partition,
  type Fault,
  type LoggedRecord,
  type RecordShape,
} from '../../support/offline-fleet.ts';

const shape: fc.Arbitrary<RecordShape> = fc.record({
  view: fc.integer({ min: 0, max: 1 }),
  // A transaction leaves a marker behind its records; an aborted one leaves more.
  gap: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 5 })),
  rows: fc.array(
    fc.record({ day: fc.integer({ min: 0, max: 3 }), key: fc.integer({ min: 1, max: 4 }), isNext: fc.boolean() }),
    { minLength: 1, maxLength: 6 },
  ),
});

const limits = fc.record({
  rows: fc.integer({ min: 1, max: 30 }),
  bytes: fc.oneof(fc.integer({ min: 1, max: 1500 }), fc.constant(1e9)),
  age_ms: fc.integer({ min: 1, max: 100 }),
});

const fault = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fault>('none') },
  fc.constantFrom<Fault>('refused', 'answer lost', 'crash before', 'crash after'),
);

const who = {
  /** Mostly the first, so that much happens to it. */
  partition: fc.integer({ min: 0, max: 3 }).map((n) => (n === 3 ? 1 : 0)),
  /** The owner when null. */
  zombie: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, fc.integer({ min: 0, max: 2 })),
};
const view = fc.integer({ min: 0, max: 1 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('read' as const), ...who, records: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ...who, ms: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut all' as const), ...who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('begin' as const), ...who, view }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), ...who, view, fault }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('commit' as const), ...who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), ...who, view, isAlive: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const scenario = fc.record({
  logs: fc.tuple(fc.array(shape, { maxLength: 30, size: 'max' }), fc.array(shape, { maxLength: 10 })),
  limits: fc.array(limits, { minLength: 1, maxLength: 3 }),
  steps: fc.array(step, { maxLength: 80, size: 'max' }),
  /** Whether former owners go on to their own end before or after the owner does, or just vanish. */
  zombies: fc.constantFrom('before', 'after', 'vanish'),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

async function take(at: Partition, s: Step): Promise<void> {
  const actor = s.zombie === null ? at.owner : at.zombies[s.zombie];
  if (actor === undefined) return;
  if (s.do === 'read') actor.read(s.records);
  else if (s.do === 'pass') actor.pass(s.ms);
  else if (s.do === 'cut all') actor.task.cutAll();
  else if (s.do === 'begin') actor.begin(entity.views[s.view]!);
  else if (s.do === 'commit') await (s.zombie === null ? at.commit() : undefined);
  else if (s.do === 'move') await move(at, s.isAlive, s.view);
  else {
    actor.begin(entity.views[s.view]!);
    const isDead = await actor.send(entity.views[s.view]!, at.store, s.fault);
    if (isDead && s.zombie === null) await at.assign();
    if (isDead && s.zombie !== null) at.zombies.splice(s.zombie, 1);
  }
}

/** Another owner. The old one may not know yet, and even put a file while the new one looks for the newest. */
async function move(at: Partition, isAlive: boolean, view: number): Promise<void> {
  const old = at.owner;
  if (!isAlive) return at.assign();
  at.zombies.push(old);
  await at.assign(async () => {
    old.begin(entity.views[view]!);
    await old.send(entity.views[view]!, at.store, 'none');
  });
}

async function play({ logs, limits, steps, zombies }: Scenario, store: ObjectStore): Promise<Partition[]> {
  const partitions = logs.map((log, i) => new Partition([1, 11][i]!, logOf(log), store, limits));
  for (const at of partitions) await at.assign();
  for (const each of steps) await take(partitions[each.partition]!, each);
  for (const at of partitions) {
    if (zombies === 'before') for (const zombie of at.zombies) await zombie.finish(store);
    await at.owner.finish(store);
    if (zombies === 'after') for (const zombie of at.zombies) await zombie.finish(store);
    await at.commit();
    expect(at.owner.task.held_bytes).toBe(0);
    expect(at.owner.task.done).toBe(at.log.length === 0 ? 0 : at.log.at(-1)!.offset + 1);
  }
  return partitions;
}

interface FoundFile {
  readonly name: string;
  readonly day: string;
  readonly first: number;
  readonly last: number;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** The objects of one view and partition in the order of their names without the day. */
async function filesOf(store: ObjectStore, view: string, partition: number): Promise<FoundFile[]> {
  const files: FoundFile[] = [];
  for (const name of await store.list(`${view}/g${entity.generation}/`)) {
    const match = /^[a-z_]+\/g1\/dt=(\d{4}-\d\d-\d\d)\/(\d+)-(\d{20})\.parquet$/.exec(name);
    expect(match, name).not.toBeNull();
    if (Number(match![2]) !== partition) continue;
    const body = Uint8Array.from((await store.read(name))!);
    const parsers = { timestampFromMicroseconds: (us: bigint): bigint => us };
    const rows = (await parquetReadObjects({ file: body.buffer, compressors, parsers })) as FoundFile['rows'];
    const { first, last } = readRange(name, body);
    expect(Number(match![3]), 'the name says the first offset').toBe(first);
    files.push({ name, day: match![1]!, first, last, rows });
  }
  const fileName = ({ name }: FoundFile): string => name.split('/').at(-1)!;
  return files.sort((a, b) => (fileName(a) < fileName(b) ? -1 : 1));
}

const rowsOf = (records: readonly LoggedRecord[], partition: number): object[] =>
  records.flatMap(({ rows }) =>
    rows.map(({ key, position, asOf_us, created_us, values }) => ({
      user_id: BigInt(key),
      serial: values[0],
      event_timestamp: BigInt(asOf_us),
      created_timestamp: BigInt(created_us),
      _partition: partition,
      _position: BigInt(position),
    })),
  );

const shown = (row: Readonly<Record<string, unknown>>): object => ({
  user_id: row['user_id'],
  serial: row['serial'] ?? row['transaction_count_last_5_min'],
  ...Object.fromEntries(
    ['event_timestamp', 'created_timestamp', '_partition', '_position'].map((name) => [name, row[name]]),
  ),
});

async function check(store: ObjectStore, partitions: readonly Partition[]): Promise<void> {
  for (const { partition, log } of partitions) {
    for (const view of entity.views) {
      const records = log.filter((record) => record.view === view);
      const files = await filesOf(store, view.name, partition);
      let next = 0;
      for (const file of files) {
        expect(file.first, `${file.name} begins behind the file before it`).toBeGreaterThanOrEqual(next);
        next = file.last + 1;
        const held = records.filter(({ offset }) => file.first <= offset && offset <= file.last);
        expect(held[0]!.offset).toBe(file.first);
        expect(held.at(-1)!.offset).toBe(file.last);
        expect(file.rows.map(shown), `${file.name} holds whole records, in order`).toEqual(rowsOf(held, partition));
        expect(file.day).toBe(dayOf(held[0]!.rows[0]!.asOf_us));
      }
      const identities = files.flatMap(({ rows }) =>
        rows.map((row) => `${String(row['_position'])}/${String(row['user_id'])}`),
      );
      const expected = records.flatMap(({ rows }) => rows.map(({ position, key }) => `${position}/${key}`));
      expect(identities, 'each row in exactly one file').toEqual(expected);
    }
  }
}

test('whatever fails, and with two owners at once, every row is in exactly one file', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const store = new MemoryObjectStore();
      await check(store, await play(given, store));
    }),
    { numRuns: 600 },
  );
});

test('the same with files in a folder', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const folder = await mkdtemp(join(tmpdir(), 'millrace-offline-'));
      try {
        const store = createFilesystemObjectStore(folder);
        await check(store, await play(given, store));
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 30 },
  );
});

test('a single owner cuts where the limits say: by day, rows, bytes and age, between records', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(shape, { minLength: 1, maxLength: 30 }),
      limits,
      fc.integer({ max: 50, min: 0 }),
      async (shapes, limit, pass_ms) => {
        const store = new MemoryObjectStore();
        const at = new Partition(0, logOf(shapes), store, [limit]);
        await at.assign();
        for (const _ of at.log) {
          at.owner.read(1);
          at.owner.pass(pass_ms);
        }
        await at.owner.finish(store);
        await check(store, [at]);
        for (const view of entity.views) {
          const records = at.log
            .map((record, i) => ({ ...record, read_ms: i * pass_ms }))
            .filter((record) => record.view === view);
          const firsts = new Set((await filesOf(store, view.name, 0)).map(({ first }) => first));
          expect(records.filter(({ offset }) => firsts.has(offset)).map(({ offset }) => offset)).toEqual(
            cutsOf(records, limit),
          );
        }
      },
    ),
  );
});

/** The first offset of each file, by the rule in words. */
function cutsOf(
  records: readonly (LoggedRecord & { readonly read_ms: number })[],
  limit: { rows: number; bytes: number; age_ms: number },
): number[] {
  const cuts: number[] = [];
  let file: (LoggedRecord & { readonly read_ms: number })[] = [];
  for (const record of records) {
    const first = file[0];
    const isFull =
      file.reduce((sum, { rows }) => sum + rows.length, 0) >= limit.rows ||
      file.reduce((sum, { value }) => sum + value.length, 0) >= limit.bytes;
    const isOld = first !== undefined && record.read_ms - first.read_ms >= limit.age_ms;
    const isLater = first !== undefined && dayOf(record.rows[0]!.asOf_us) > dayOf(first.rows[0]!.asOf_us);
    if (first === undefined || isFull || isOld || isLater) {
      cuts.push(record.offset);
      file = [];
    }
    file.push(record);
  }
  return cuts;
}

test('a new owner goes on behind the newest object, though its day is an earlier one', async () => {
  const store = new MemoryObjectStore();
  const [first, second] = [entity.views[0]!, entity.views[1]!];
  const record = (view: number, day: number): RecordShape => ({ view, gap: 1, rows: [{ day, key: 1, isNext: true }] });
  const log = logOf([record(0, 3), record(0, 0), record(1, 0), record(0, 0)]);
  const at = new Partition(1, log, store, [{ rows: 1e9, bytes: 1e9, age_ms: 1e9 }]);
  await at.assign();
  for (const records of [1, 3]) {
    at.owner.read(records);
    at.owner.task.cutAll();
    at.owner.begin(first);
    await at.owner.send(first, store, 'none');
  }
  // The other view's file is not put: the group offset stays in the middle of the newest object.
  await at.commit();
  expect(await store.list(`${second.name}/`)).toEqual([]);
  await at.assign();
  await at.owner.finish(store);
  await check(store, [at]);
});
