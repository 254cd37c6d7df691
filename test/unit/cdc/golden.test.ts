import { describe, expect, test } from 'vitest';
import { createDecoder } from '../../../src/cdc/decoder.ts';
import type { RowChange } from '../../../src/cdc/row-change.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { TablePlan } from '../../../src/define/plan.ts';
import type { DebeziumOptions } from '../../../src/define/table.ts';
import {
  count,
  debezium,
  decimal,
  entity,
  featureView,
  int64,
  text,
  timestamp,
  timestamptz,
  tumbling,
} from '../../../src/index.ts';
import { golden } from '../../support/golden.ts';

type Encoding = Omit<DebeziumOptions, 'prefix'>;

function tables(encoding: Encoding): { transactions: TablePlan; users: TablePlan } {
  const shop = debezium({ prefix: 'p', ...encoding });
  const transactions = shop.table('public.transactions', {
    columns: {
      transaction_id: int64(),
      user_id: int64(),
      amount: decimal(12, 2),
      merchant: text().nullable(),
      location: text().nullable(),
      transaction_time: timestamptz(),
      booked_at: timestamp(6).nullable(),
    },
    primaryKey: ['transaction_id'],
    replicaIdentity: 'full',
    time: { event: 'transaction_time' },
  });
  const users = shop.table('public.users', {
    columns: { user_id: int64(), name: text().nullable(), email: text().nullable(), signup_time: timestamptz() },
    primaryKey: ['user_id'],
    replicaIdentity: 'full',
  });
  const user = entity('user', { key: { user_id: int64() } });
  const view = featureView('v', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }), u: users.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(tumbling('5m')) }),
  });
  const [t, u] = buildPlan({ view }).entities[0]!.tables;
  return { transactions: t!, users: u! };
}

/** Decodes a whole file: what each record says, or the class and code of its error. */
function decodeAll(file: string, table: 'transactions' | 'users', encoding: Encoding): unknown[] {
  const decode = createDecoder(tables(encoding)[table]);
  return golden(file, table).map(({ value }) => {
    try {
      return decode(value);
    } catch (error) {
      const { name, code } = error as { name: string; code: string };
      return `${name} ${code}`;
    }
  });
}

const us = (iso: string): bigint =>
  BigInt(Date.parse(`${iso.slice(0, 19)}Z`)) * 1000n + BigInt(iso.slice(20, 26).padEnd(6, '0'));

// The rows that the statements of the recording made, by hand.
const t1001 = [1001n, 1n, 1999n, 'Tesco', 'London', us('2024-03-01T12:00:00.000001'), us('2024-03-01T12:00:00.5')];
const t1002 = [1002n, 2n, -1n, 'Refund Inc', null, us('2024-03-01T12:00:01.'), null];
const t1003 = [1003n, 2n, 999999999999n, 'Big', 'NYC', us('2024-03-01T12:00:02.5'), -315619199999999n];
const t2001: (bigint | string | null)[] = [
  2001n,
  10n,
  4250n,
  'Stockmann',
  'Helsinki',
  us('2024-05-01T10:00:00.123456'),
  us('2024-05-01T10:00:00.123456'),
];
const t2001NoMerchant = t2001.with(3, null);
const t2002 = t2001NoMerchant.with(0, 2002n);
const t2101 = [2101n, 11n, 100n, null, null, us('2024-05-02T00:00:01.'), null];
const t2102: (bigint | string | null)[] = [2102n, 11n, 250n, 'm', 'X', us('2024-05-02T00:00:02.'), null];
const t2102Moved = t2102.with(1, 3n);
const t2001Again = [2001n, 10n, 100n, 'reuse of a freed key', null, us('2024-05-03T00:00:00.'), null];
const t3001 = [3001n, 1n, 300n, 'after truncate', null, us('2024-05-04T00:00:00.'), null];

const tombstone = { kind: 'tombstone' };
const truncated = 'SourceStoppedError source-stopped';
const r = (after: unknown[]): object =>
  expect.objectContaining({ operation: 'r', snapshot: 'initial', before: null, after }) as object;
const c = (after: unknown[]): object =>
  expect.objectContaining({ operation: 'c', snapshot: 'streamed', before: null, after }) as object;
const u = (before: unknown[], after: unknown[]): object =>
  expect.objectContaining({ operation: 'u', before, after }) as object;
const d = (before: unknown[]): object => expect.objectContaining({ operation: 'd', before, after: null }) as object;

const fullTransactions = [
  // Partition 0
  r(t1003),
  truncated,
  // Partition 1
  c(t2101),
  u(t2101, t2101),
  // Partition 2
  r(t1001),
  r(t1002),
  c(t2001),
  u(t2001, t2001),
  u(t2001, t2001NoMerchant),
  u(t2001NoMerchant, t2001NoMerchant),
  d(t2001NoMerchant),
  tombstone,
  c(t2002),
  c(t2102),
  u(t2102, t2102),
  c(t2001Again),
  d(t2001Again),
  tombstone,
  d(t2002),
  tombstone,
  u(t2102, t2102Moved),
  c(t3001),
];

describe('REPLICA IDENTITY FULL', () => {
  test('every change of transactions decodes as the statements say', () => {
    expect(decodeAll('cdclab-full', 'transactions', {})).toEqual(fullTransactions);
  });

  test('records with their schema say the same', () => {
    const decoded = decodeAll('cdclab-full-schemas', 'transactions', {});
    expect(decoded).toHaveLength(fullTransactions.length);
    for (const change of fullTransactions) expect(decoded).toContainEqual(change);
  });

  test('decimals as strings, times in microseconds, a changed primary key as a plain update', () => {
    const decoded = decodeAll('cdclab-recommended', 'transactions', { decimals: 'string', times: 'microseconds' });
    expect(decoded).toContainEqual(u(t2001NoMerchant, t2002));
    // This connector keys by user: a row that moves to another one is deleted here and inserted there.
    expect(decoded).toContainEqual(d(t2102));
    expect(decoded).toContainEqual(c(t2102Moved));
    expect(decoded).toContainEqual(r(t1003));
    expect(decoded.filter((change) => typeof change === 'string')).toEqual([truncated]);
  });

  test('users, with text beyond the basic plane and a large value', () => {
    const fox = [3n, 'Zoë 🦊', 'zoe@example.com', us('1969-07-20T20:17:40.')];
    expect(decodeAll('cdclab-full', 'users', {})).toContainEqual(r(fox));
    expect(decodeAll('cdclab-full-schemas', 'users', {})).toContainEqual(r(fox));
    expect(decodeAll('cdclab-recommended', 'users', { decimals: 'string', times: 'microseconds' })).toContainEqual(
      r(fox),
    );
  });
});

describe('REPLICA IDENTITY DEFAULT', () => {
  test.each(['cdclab', 'cdclab-schemas', 'cdclab-keys', 'cdclab-route'])(
    '%s: an update or delete is never a retraction, all else decodes',
    (file) => {
      const decoded = decodeAll(file, 'transactions', {});
      const unusable = decoded.filter((change) => change === 'RecordError row-unusable');
      const rows = decoded.filter(
        (change): change is RowChange => typeof change === 'object' && (change as RowChange).kind === 'row',
      );
      expect(unusable.length).toBeGreaterThanOrEqual(8);
      expect(new Set(rows.map(({ operation }) => operation))).toEqual(new Set(['r', 'c']));
      expect(decoded.filter((change) => change === truncated)).toHaveLength(1);
      expect(decoded).toContainEqual(c(t2001));
    },
  );

  test('a table that is not declared full refuses the change although the record has its before image', () => {
    const decode = createDecoder({ ...tables({}).transactions, replicaIdentity: 'default' });
    const update = golden('cdclab-full', 'transactions').find(({ value }) => value?.includes('"op":"u"'));
    expect(() => decode(update!.value)).toThrow(/REPLICA IDENTITY FULL.*replicaIdentity: 'full'/);
  });
});

test('an update or delete of an append-only table is refused, and told what to change', () => {
  const decode = createDecoder({ ...tables({}).transactions, appendOnly: true });
  const changes = golden('cdclab-full', 'transactions').filter(({ value }) =>
    /"op":"[ud]"/.test(value?.toString() ?? ''),
  );
  expect(changes.length).toBeGreaterThan(2);
  for (const { value } of changes) {
    expect(() => decode(value)).toThrow(/^an? (update|delete) of public.transactions, declared appendOnly: true: keep/);
    expect(() => decode(value)).toThrow(expect.objectContaining({ code: 'row-unusable' }));
  }
});

describe('other recordings', () => {
  test('an incremental snapshot is told from an initial one', () => {
    const decoded = decodeAll('cdclab-sig', 'users', {});
    expect(
      decoded
        .filter((change) => (change as RowChange).operation === 'r')
        .map((change) => (change as RowChange).snapshot),
    ).toEqual(expect.arrayContaining(['incremental']));
  });

  test('a column that disappears stops the source', () => {
    const decoded = decodeAll('cdclab-alter', 'users', { decimals: 'string' });
    expect(decoded).toContain('SourceStoppedError source-stopped');
    expect(decoded).toContainEqual(expect.objectContaining({ operation: 'c' }));
  });

  test('copies that a killed connector sent again are equal in all that matters', () => {
    const decode = createDecoder(tables({ decimals: 'string', times: 'microseconds' }).transactions);
    // The recording has no before images (REPLICA IDENTITY DEFAULT): each update is read as if nothing had changed.
    const changes = golden('restart-duplicates', 'transactions').map(({ key, value }) => {
      const text = value!.toString();
      return {
        key,
        change: decode(Buffer.from(text.replace('"before":null', `"before":${/"after":(\{[^}]*\})/.exec(text)![1]!}`))),
      };
    });
    expect(changes).toHaveLength(20);
    for (let i = 0; i < changes.length; i += 2) expect(changes[i + 1]).toEqual(changes[i]);
  });

  test('flattened records are refused with the transform to remove', () => {
    const decode = createDecoder(tables({ decimals: 'string' }).transactions);
    const [first] = golden('cdclab-flat', 'transactions');
    expect(() => decode(first!.value)).toThrow(/no op.*ExtractNewRecordState/);
  });
});
