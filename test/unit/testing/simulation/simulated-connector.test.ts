import { describe, expect, test } from 'vitest';
import { createDecoder } from '../../../../src/cdc/decoder.ts';
import { keyOf } from '../../../../src/define/key.ts';
import { noHighWater } from '../../../../src/ingest/high-water.ts';
import { ReplayFilter } from '../../../../src/ingest/replay-filter.ts';
import { simulatedUser } from '../../../../src/testing/simulation/definitions.ts';
import type { Fields } from '../../../../src/testing/simulation/simulated-database.ts';
import { logins, transactions } from '../../../../src/testing/simulation/tables.ts';
import { identity, pairOf, parsed, SimulatedWorld, type SentRecord } from '../../../support/simulated-world.ts';

const seeds = Array.from({ length: 6 }, (_, seed) => seed);

/** The rows' keys and images, folded by key over all partitions. */
function folded(world: SimulatedWorld, passLsn = 0): Map<string, string> {
  const rows = new Map<string, string>();
  for (const record of world.partitions.flat()) {
    const envelope = parsed(record);
    if (envelope === null || (envelope.op === 'r' && envelope.source.lsn !== passLsn)) continue;
    if (envelope.after === null) rows.delete(record.key);
    else rows.set(record.key, JSON.stringify(envelope.after));
  }
  return rows;
}

/** The committed rows, as the last record of each says them: checked against the table's own fields below. */
function keysOf(world: SimulatedWorld): string[] {
  return [transactions, logins].flatMap((table) =>
    [...world.database.rows(table).keys()].map((id) => `{"${table.primaryKey}":${id}}`),
  );
}

const sequenceIsMonotone = (records: readonly SentRecord[]): boolean => {
  const pairs = records.flatMap((record) => {
    const envelope = parsed(record);
    return envelope === null ? [] : [pairOf(envelope)];
  });
  return pairs.every(([a, b], i) => {
    const [c, d] = pairs[i - 1] ?? [0n, 0n];
    return a > c || (a === c && b >= d);
  });
};

test('the same seed sends the same bytes, another seed others', async () => {
  const bytes = async (seed: number): Promise<string> => {
    const world = new SimulatedWorld(seed);
    await world.play(20_000, 2);
    return world.sent.map((r) => `${r.topic}/${r.partition} ${r.key} ${String(r.value)}`).join('\n');
  };
  expect(await bytes(1)).toBe(await bytes(1));
  expect(await bytes(1)).not.toBe(await bytes(2));
});

test('what was sent, folded by key, is the table, however often the connector died', async () => {
  let repeats = 0;
  for (const seed of seeds) {
    const world = new SimulatedWorld(seed);
    await world.play(20_000, seed % 4);
    const rows = folded(world);
    expect([...rows.keys()].sort()).toEqual(keysOf(world).sort());
    const wrong = [...world.database.rows(transactions)].filter(([id, row]) => {
      const sent = JSON.parse(rows.get(`{"transaction_id":${id}}`)!) as Fields;
      return sent['amount'] !== row['amount'] || sent['transaction_time'] !== row['transaction_time'];
    });
    expect(wrong).toEqual([]);
    repeats += world.connector.repeats;
    if (seed % 4 === 0) expect(world.connector.repeats).toBe(0);
  }
  expect(repeats).toBeGreaterThan(100);
});

test('a restart repeats records, identical but for the connector’s own clock; the replay filter finds each', async () => {
  const tables = new Map(simulatedUser.tables.map((table) => [table.topic, table]));
  for (const seed of seeds) {
    const world = new SimulatedWorld(seed);
    await world.play(15_000, 3);
    let repeats = 0;
    for (const records of world.partitions) {
      const table = tables.get(records[0]!.topic)!;
      const decode = createDecoder(table);
      const filter = new ReplayFilter(noHighWater);
      const seen = new Set<string>();
      for (const record of records) {
        const change = decode(record.value === null ? null : Buffer.from(record.value));
        if (change.kind === 'tombstone') continue;
        const again = filter.isReplay(change, keyOf((change.after ?? change.before)!, table.primaryKey)!);
        if (again !== seen.has(identity(record))) expect.fail(`seed ${seed}: ${identity(record)}`);
        seen.add(identity(record));
        if (again) repeats++;
      }
    }
    expect(repeats).toBe(world.connector.repeats);
  }
});

test('sequences follow the order of commits, log positions alone do not; rows of one INSERT share theirs', async () => {
  const world = new SimulatedWorld(3, { rate: 60 });
  await world.play(40_000);
  expect(world.partitions.map(sequenceIsMonotone)).toEqual(world.partitions.map(() => true));
  const { changes } = world.database;
  const backwards = changes.filter((change, i) => i > 0 && change.lsn < changes[i - 1]!.lsn);
  const shared = changes.filter((change, i) => i > 0 && change.lsn === changes[i - 1]!.lsn);
  expect(backwards.length).toBeGreaterThan(10);
  expect(shared.length).toBeGreaterThan(10);
  expect(changes.every((change, i) => i === 0 || change.commit_us >= changes[i - 1]!.commit_us)).toBe(true);
  const first = changes.filter((change) => change.txId === changes[0]!.txId).length;
  const withoutPrevious = world.sent.filter((r) => r.value?.includes('"sequence":"[null,') === true);
  expect(withoutPrevious).toHaveLength(first);
});

test('a delete is followed by its tombstone, of the same key', async () => {
  const world = new SimulatedWorld(5);
  await world.play(20_000);
  for (const records of world.partitions) {
    records.forEach((record, i) => {
      if (parsed(record)?.op === 'd') expect(records[i + 1]).toMatchObject({ key: record.key, value: null });
    });
  }
});

test('heartbeats come once a second, while it streams only', async () => {
  const world = new SimulatedWorld(1);
  await world.play(10_000);
  const before = world.heartbeats.length;
  expect(before).toBeGreaterThanOrEqual(10);
  world.connector.crash();
  await world.clock.runFor(20_000);
  expect(world.heartbeats).toHaveLength(before);
  world.connector.restart();
  await world.clock.runFor(3_500);
  expect(world.heartbeats).toHaveLength(before + 4);
  const last = JSON.parse(world.heartbeats.at(-1)!.value!) as { ts_ms: number };
  expect(world.clock.now_ms() - last.ts_ms).toBeLessThan(600);
});

describe('a snapshot', () => {
  async function played(seed: number, snapshot: 'whole' | 'restarted'): Promise<SimulatedWorld> {
    const world = new SimulatedWorld(seed, { snapshot, rate: 40 });
    world.workload.start();
    await world.clock.runFor(15_000);
    world.connector.start();
    await world.play(15_000);
    return world;
  }
  const passes = (world: SimulatedWorld): number[] => [
    ...new Set(world.sent.flatMap((r) => (parsed(r)?.op === 'r' ? [parsed(r)!.source.lsn] : []))),
  ];

  test('that is whole reads every row once, in front of the stream, which goes on where it ends', async () => {
    for (const seed of seeds) {
      const world = await played(seed, 'whole');
      expect(passes(world)).toHaveLength(1);
      expect([...folded(world, passes(world)[0]).keys()].sort()).toEqual(keysOf(world).sort());
      const rows = world.sent.flatMap((r) => (parsed(r)?.op === 'r' ? [parsed(r)!] : []));
      expect(rows.length).toBeGreaterThan(50);
      expect(new Set(rows.map(({ source }) => [source.sequence, source.ts_us, source.txId].join())).size).toBe(1);
      expect(rows[0]!.source.snapshot).toBe('first');
      expect(rows.filter(({ source }) => source.snapshot === 'last')).toEqual([rows.at(-1)]);
      expect(world.partitions.map(sequenceIsMonotone)).toEqual(world.partitions.map(() => true));
    }
  });

  test('that is restarted is read again: what was deleted between stays a ghost, what was changed meanwhile comes twice', async () => {
    let ghosts = 0;
    let twice = 0;
    for (const seed of seeds) {
      const world = await played(seed, 'restarted');
      const [first, second] = passes(world);
      if (second === undefined) continue; // It died before its first row.
      expect(second).toBeGreaterThan(first!);
      expect([...folded(world, second).keys()].sort()).toEqual(keysOf(world).sort());
      const keys = new Set(keysOf(world));
      const records = world.partitions.flat().map((r) => ({ key: r.key, envelope: parsed(r) }));
      const streamed = new Set(records.flatMap(({ key, envelope }) => (envelope?.op === 'r' ? [] : [key])));
      const confirmed = new Set(records.flatMap((r) => (r.envelope?.source.lsn === second ? [r.key] : [])));
      for (const { key, envelope } of records) {
        if (envelope?.source.lsn === first && !keys.has(key) && !streamed.has(key)) ghosts++;
        if (envelope?.op === 'c' && confirmed.has(key)) twice++;
      }
    }
    expect(ghosts).toBeGreaterThan(5);
    expect(twice).toBeGreaterThan(5);
  });

  test('must stay whole when that was asked for', () => {
    const world = new SimulatedWorld(1, { snapshot: 'whole' });
    world.connector.start();
    expect(world.connector.phase).toBe('snapshot');
    expect(world.connector.crash()).toBe(false);
  });
});
