import { describe, expect, it } from 'vitest';
import type { SourceRecord } from '../../../demo/envelope.ts';
import { Shop } from '../../../demo/generator.ts';

const start_us = 1_790_000_000_000_000;

interface Envelope {
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly source: Record<string, unknown> & { sequence: string; ts_us: number; txId: number; lsn: number };
  readonly op: string;
}

/** 2,000 rows a second from an open shop. */
function play(seed: number, calls: number, users = 500): { shop: Shop; records: SourceRecord[] } {
  const shop = new Shop({ seed, users });
  const records: SourceRecord[] = [];
  for (let i = 0; i < calls; i++) records.push(...shop.next(start_us + i * 500));
  return { shop, records };
}

const parse = (record: SourceRecord): Envelope | null =>
  record.value === null ? null : (JSON.parse(Buffer.from(record.value).toString()) as Envelope);

function byPartition(records: readonly SourceRecord[]): SourceRecord[][] {
  const partitions = new Map<string, SourceRecord[]>();
  for (const record of records) {
    const id = `${record.topic}/${record.partition}`;
    const before = partitions.get(id);
    if (before === undefined) partitions.set(id, [record]);
    else before.push(record);
  }
  return [...partitions.values()];
}

const pairOf = ({ source }: Envelope): [bigint, bigint] => {
  const [first, second] = JSON.parse(source.sequence) as [string | null, string];
  return [BigInt(first ?? 0), BigInt(second)];
};
const compare = (a: [bigint, bigint], b: [bigint, bigint]): number =>
  a[0] !== b[0] ? Number(a[0] - b[0]) : Number(a[1] - b[1]);

/** The rule of protocol.md §1, written plainly: a lower pair, or an equal one with a (key, op) already seen. */
function withoutReplays(records: readonly SourceRecord[]): { kept: Envelope[]; replays: number } {
  let high: [bigint, bigint] = [0n, 0n];
  let seen = new Set<string>();
  const kept: Envelope[] = [];
  let replays = 0;
  for (const record of records) {
    const envelope = parse(record);
    if (envelope === null) continue;
    const order = compare(pairOf(envelope), high);
    const identity = envelope.op + Buffer.from(record.key).toString();
    if (order < 0 || (order === 0 && seen.has(identity))) {
      replays++;
      continue;
    }
    if (order > 0) seen = new Set();
    high = pairOf(envelope);
    seen.add(identity);
    kept.push(envelope);
  }
  return { kept, replays };
}

describe('the shop', () => {
  it('is the same for the same seed', () => {
    const text = (seed: number): string =>
      play(seed, 3_000)
        .records.map((r) => `${r.partition}${String(r.value)}`)
        .join();
    expect(text(7)).toBe(text(7));
    expect(text(7)).not.toBe(text(8));
  });

  it('keeps a row in its partition, and uses all three', () => {
    const { records } = play(1, 5_000);
    const partitions = new Map<string, Set<number>>();
    for (const { topic, key, partition } of records) {
      const id = topic + Buffer.from(key).toString();
      partitions.set(id, (partitions.get(id) ?? new Set()).add(partition));
    }
    expect([...partitions.values()].every((set) => set.size === 1)).toBe(true);
    expect(byPartition(records)).toHaveLength(6);
  });

  it('sends sequences that are monotone but for replays, which the plain rule finds to the last one', () => {
    const { shop, records } = play(2, 30_000);
    let replays = 0;
    let changes = 0;
    for (const partition of byPartition(records)) {
      const result = withoutReplays(partition);
      replays += result.replays;
      changes += result.kept.length;
    }
    const { inserts, updates, deletes } = shop.counts;
    expect(shop.counts.replays).toBeGreaterThan(1_000);
    expect(replays).toBe(shop.counts.replays);
    expect(changes).toBe(inserts + updates + deletes);
  });

  it('repeats the newest records of a partition, identical but for the connector’s own clock', () => {
    const { shop, records } = play(3, 2_000);
    const again = shop.replay();
    const plain = (record: SourceRecord): string =>
      `${Buffer.from(record.key).toString()} ${
        record.value === null
          ? ''
          : Buffer.from(record.value)
              .toString()
              .replace(/,"ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+}$/, '')
      }`;
    for (const partition of byPartition(again)) {
      const { topic, partition: number } = partition[0]!;
      const before = records.filter((r) => r.topic === topic && r.partition === number);
      expect(partition.map(plain)).toEqual(before.slice(-partition.length).map(plain));
    }
  });

  it('sends before images that are the row as it was, and a tombstone behind each delete', () => {
    const { records } = play(4, 20_000);
    const rows = new Map<string, unknown>();
    let tombstones = 0;
    for (const partition of byPartition(records)) {
      withoutReplays(partition).kept.forEach(({ op, before, after, source }) => {
        const id = `${String(source['table'])} ${String((after ?? before)?.[source['table'] === 'users' ? 'user_id' : 'transaction_id'])}`;
        expect(before).toEqual(op === 'c' ? null : rows.get(id));
        rows.set(id, after);
      });
      partition.forEach((record, i) => {
        if (record.value !== null) return;
        tombstones++;
        expect(partition[i - 1]!.key).toEqual(record.key);
        expect(parse(partition[i - 1]!)?.op).toBe('d');
      });
    }
    expect(tombstones).toBeGreaterThan(500);
  });

  it('remembers each change once, in the order of each row', () => {
    const { shop, records } = play(5, 20_000);
    const rows = byPartition(records.filter(({ topic }) => topic.endsWith('.transactions')))
      .flatMap((partition) => withoutReplays(partition).kept)
      .map(({ op, before, after }) => ({ op, row: (after ?? before)! }));
    const order = (events: readonly { op: string; row: object }[]): string[] =>
      events
        .map(({ op, row }, i) => ({
          id: (row as { transaction_id: number }).transaction_id,
          i,
          text: op + JSON.stringify(row),
        }))
        .sort((a, b) => a.id - b.id || a.i - b.i)
        .map(({ text }) => text);
    expect(order(shop.truth)).toEqual(order(rows));
  });

  it('shows every kind of change that a feature must survive', () => {
    const { records } = play(6, 20_000);
    const updates = records.map(parse).filter((e) => e?.op === 'u' && e.source['table'] === 'transactions');
    const window = (row: Envelope['after']): number => Math.floor((row!['transaction_time'] as number) / 300_000_000);
    const changed = (column: string): number => updates.filter((e) => e!.before![column] !== e!.after![column]).length;
    for (const column of ['amount', 'status', 'location', 'user_id', 'transaction_time']) {
      expect(changed(column), column).toBeGreaterThan(200);
    }
    expect(updates.filter((e) => window(e!.before) > window(e!.after)).length).toBeGreaterThan(100);
    expect(updates.filter((e) => window(e!.before) < window(e!.after)).length).toBeGreaterThan(10);
    const inserted = records.map(parse).filter((e) => e?.op === 'c' && e.source['table'] === 'transactions');
    const age_us = inserted.map((e) => e!.source.ts_us - (e!.after!['transaction_time'] as number));
    expect(Math.min(...age_us)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...age_us)).toBeGreaterThan(4_000_000);
    expect(Math.max(...age_us)).toBeLessThan(5_000_000);
  });

  it('has commits whose log positions lie below what was sent before, and rows that share one', () => {
    const { records } = play(7, 20_000);
    const [partition] = byPartition(records.filter(({ topic }) => topic.endsWith('.transactions')));
    const { kept } = withoutReplays(partition!);
    const lsn = kept.map(({ source }) => source.lsn);
    expect(lsn.filter((n, i) => i > 0 && n < lsn[i - 1]!).length).toBeGreaterThan(20);
    expect(lsn.filter((n, i) => n === lsn[i - 1]).length).toBeGreaterThan(100);
  });
});
