import { expect, test } from 'vitest';
import { Random } from '../../../../src/testing/simulation/random.ts';
import { SimulatedDatabase, type Fields } from '../../../../src/testing/simulation/simulated-database.ts';
import { tables, transactions } from '../../../../src/testing/simulation/tables.ts';
import { SimulatedWorld } from '../../../support/simulated-world.ts';

const row = (id: number, status = 'ok'): Fields => ({ transaction_id: BigInt(id), user_id: 1n, status });

test('a transaction’s rows are committed together, with images before and after', () => {
  const database = new SimulatedDatabase(tables, new Random(1));
  const transaction = database.begin();
  transaction.insert(transactions, row(1), row(2));
  transaction.update(transactions, 2n, { status: 'no' });
  transaction.delete(transactions, 1n);
  expect(database.rows(transactions).size).toBe(0);
  transaction.commit(5);
  expect(database.changes.map(({ operation, before, after }) => [operation, before, after])).toEqual([
    ['c', null, row(1)],
    ['c', null, row(2)],
    ['u', row(2), row(2, 'no')],
    ['d', row(1), null],
  ]);
  expect([...database.rows(transactions).values()]).toEqual([row(2, 'no')]);
  expect(() => transaction.commit(6)).toThrow('has ended');
});

test('a rollback leaves nothing but a gap in the log', () => {
  const database = new SimulatedDatabase(tables, new Random(1));
  const { end } = database;
  const transaction = database.begin();
  transaction.insert(transactions, row(1));
  transaction.rollback();
  expect([database.changes.length, database.rows(transactions).size]).toEqual([0, 0]);
  expect(database.end).toBeGreaterThan(end);
});

test('statements on rows that are not there, or are, say so', () => {
  const database = new SimulatedDatabase(tables, new Random(1));
  const transaction = database.begin();
  transaction.insert(transactions, row(1));
  expect(() => transaction.insert(transactions, row(1))).toThrow('has a row 1 already');
  expect(() => transaction.delete(transactions, 2n)).toThrow('has no row 2');
});

test('the workload does all that a shop does', async () => {
  const world = new SimulatedWorld(2, { rate: 40 });
  await world.play(60_000);
  const { changes } = world.database;
  const share = (is: (change: (typeof changes)[number]) => boolean): number => changes.filter(is).length;
  const moved = (column: string) => share((c) => c.operation === 'u' && c.before![column] !== c.after![column]);
  expect(share((c) => c.operation === 'd')).toBeGreaterThan(50);
  for (const column of ['amount', 'user_id', 'location', 'transaction_time', 'login_time', 'invited_by'])
    expect(moved(column)).toBeGreaterThan(5);
  expect(
    share((c) => c.operation === 'u' && Object.keys(c.after!).every((n) => c.before![n] === c.after![n])),
  ).toBeGreaterThan(5);
  expect(share((c) => c.after?.['user_id'] === null)).toBeGreaterThan(3);
  expect(
    share(
      (c) => c.table === transactions && c.after !== null && (c.after['transaction_time'] as number) % 10_000_000 === 0,
    ),
  ).toBeGreaterThan(20);
  expect(
    share((c) => c.after !== null && (c.after[c.table.eventTime] as number) > c.commit_us + 400_000),
  ).toBeGreaterThan(20);
});

test('without late rows, no image is of a minute that its partition may have closed; with them, many are', async () => {
  const lateImages = async (late: 'none' | 'some'): Promise<number> => {
    let images = 0;
    for (let seed = 0; seed < 3; seed++) {
      const world = new SimulatedWorld(seed, { late });
      await world.play(70_000);
      // The highest that a data mark can be at a commit: maxAhead 400 ms, outOfOrderness 2 s.
      const closed = (row: Fields | null, eventTime: string, commit_us: number): boolean =>
        row !== null && (Math.floor((row[eventTime] as number) / 60e6) + 1) * 60e6 <= commit_us + 400_000 - 2_000_000;
      for (const { before, after, table, commit_us } of world.database.changes) {
        for (const row of [before, after]) if (closed(row, table.eventTime, commit_us)) images++;
      }
    }
    return images;
  };
  expect(await lateImages('none')).toBe(0);
  expect(await lateImages('some')).toBeGreaterThan(50);
});
