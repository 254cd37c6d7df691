import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { count, debezium, entity, featureView, int64, timestamp, tumbling } from 'millrace';
import { Shop } from '../../../demo/generator.ts';
import { recount, type TruthEvent } from '../../../demo/oracle.ts';
import { checkParity, describeParity, findChecked, isProven, type Parity } from '../../../demo/parity.ts';
import { userFeatures } from '../../../examples/fraud/features.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { OnlineStore, OnlineWrite } from '../../../src/online/online-store.ts';

const start_us = 1_790_000_100_000_000;
const asOf_us = start_us + 15_000_000;
const checked = findChecked(buildPlan({ userFeatures }))!;

/** What two right stores hold at the end, from the recount itself: what is tested is that a difference is found. */
class Stores {
  readonly hashes = new Map<string, Map<string, string>>();
  readonly rows: { user: number; count: string; last: string | null; position: number }[] = [];

  constructor(truth: readonly TruthEvent[]) {
    const expected = recount(truth);
    for (const user of expected.users) {
      const { transaction_count_last_5_min: rows, last_update_time: last } = expected.at(user, asOf_us);
      const hash = new Map([['transaction_count_last_5_min', rows]]);
      if (last !== null) hash.set('last_update_time', last);
      hash.set('_user_features', `1:${user + 10}:${asOf_us}:${asOf_us}`);
      this.hashes.set(`user_features:${user}`, hash);
      this.rows.push({ user, count: String(Number(rows) + 1), last: null, position: user + 9 });
      this.rows.push({ user, count: rows, last, position: user + 10 });
    }
  }

  readonly online: OnlineStore = {
    read: (keys) => Promise.resolve(keys.map((key) => this.hashes.get(key) ?? null)),
    upsert: (writes) =>
      Promise.resolve({ stored: writes.map((write) => this.write(write)), found: [], incarnation: '' }),
    close: () => Promise.resolve(),
  };

  async writeFiles(dir: string): Promise<void> {
    const folder = join(dir, 'user_features', 'g1', 'dt=2026-09-22');
    await mkdir(folder, { recursive: true });
    const int = (name: string, data: (bigint | null)[]) => ({ name, data, type: 'INT64' as const });
    const time = (iso: string): bigint => BigInt(Date.parse(iso)) * 1000n;
    const { rows } = this;
    parquetWriteFile({
      filename: join(folder, '3-00000000.parquet'),
      columnData: [
        int(
          'user_id',
          rows.map(({ user }) => BigInt(user)),
        ),
        int(
          'transaction_count_last_5_min',
          rows.map((row) => BigInt(row.count)),
        ),
        int(
          'last_update_time',
          rows.map(({ last }) => (last === null ? null : time(last))),
        ),
        int(
          'event_timestamp',
          rows.map(() => BigInt(asOf_us)),
        ),
        int(
          '_position',
          rows.map(({ position }) => BigInt(position)),
        ),
      ],
    });
  }

  private write({ key, view, values, ...rest }: OnlineWrite) {
    values.forEach((value, i) => {
      if (value !== null) this.hashes.get(key)!.set(view.fields[i]!, value);
    });
    return { ...rest, applied: true, visibleAt_us: asOf_us };
  }
}

describe('parity', () => {
  const shop = new Shop({ seed: 42, users: 2_000 });
  for (let i = 0; i < 20_000; i++) shop.next(start_us + i * 500);
  let dataDir: string;
  let stores: Stores;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'demo-'));
    stores = new Stores(shop.truth);
    await stores.writeFiles(dataDir);
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  const check = (tamper = false): Promise<Parity> =>
    checkParity({
      checked,
      online: stores.online,
      truth: shop.truth,
      dataDir,
      settled: () => Promise.resolve(),
      tamper,
    });

  it('finds nothing in right stores, and says how much it compared', async () => {
    const parity = await check();
    expect(parity.mismatches).toEqual([]);
    expect(parity.files.mismatches).toEqual([]);
    expect(isProven(parity, checked)).toBe(true);
    expect(describeParity(parity, checked).at(-1)).toMatch(
      /^parity: 4\d{3} values compared \(\d+ non-empty, \d+ changed by retraction\), 0 mismatches$/,
    );
  });

  it('finds a spoilt value', async () => {
    const parity = await check(true);
    expect(parity.mismatches).toMatchObject([{ feature: 'transaction_count_last_5_min', found: '123456789' }]);
    expect(isProven(parity, checked)).toBe(false);
    expect(describeParity(parity, checked).at(-1)).toMatch(/, 1 mismatches$/);
  });

  it('finds a missing hash, a missing field and a count that is one off', async () => {
    stores.hashes.delete('user_features:5');
    stores.hashes.get('user_features:6')!.delete('last_update_time');
    stores.hashes.get('user_features:7')!.set('transaction_count_last_5_min', '0');
    const parity = await check();
    expect(parity.mismatches.map(({ user, feature }) => [user, feature])).toEqual([
      [5, '(all)'],
      [6, 'last_update_time'],
      [7, 'transaction_count_last_5_min'],
    ]);
  });

  it('finds a file whose newest row is not what is online', async () => {
    stores.rows.at(-1)!.count = '99';
    stores.rows.splice(0, 2);
    await stores.writeFiles(dataDir);
    const parity = await check();
    expect(parity.mismatches).toEqual([]);
    expect(parity.files.mismatches.map(({ feature }) => feature)).toEqual([
      '_position',
      'transaction_count_last_5_min',
    ]);
    expect(isProven(parity, checked)).toBe(false);
  });

  it('is not proven by empty windows', async () => {
    const parity = { ...(await check()), nonEmpty: 999 };
    expect(isProven(parity, checked)).toBe(false);
    expect(describeParity(parity, checked).join('\n')).toContain('only 999 values are not empty; the check needs 1000');
  });
});

describe('the features that the recount knows', () => {
  const user = entity('user', { key: { user_id: int64() } });
  const transactions = debezium({ prefix: 'dbserver' }).table('public.transactions', {
    columns: { transaction_id: int64(), user_id: int64(), transaction_time: timestamp(3) },
    primaryKey: ['transaction_id'],
    replicaIdentity: 'full',
    time: { event: 'transaction_time' },
  });
  const viewWith = (size: '5m' | '10m') =>
    featureView('mine', {
      entity: user,
      from: { tx: transactions.by({ user_id: 'user_id' }) },
      features: ({ tx }) => ({
        transaction_count_last_5_min: count(tx).over(tumbling(size)),
        n: count(tx).over(tumbling('1m')),
      }),
    });

  it('are found in a view of one’s own, and only there', () => {
    expect(findChecked(buildPlan({ mine: viewWith('5m') }))?.features).toEqual(['transaction_count_last_5_min']);
    expect(findChecked(buildPlan({ mine: viewWith('10m') }))).toBeNull();
  });
});
