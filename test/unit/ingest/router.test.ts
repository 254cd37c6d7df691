import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import type { Row } from '../../../src/define/plan.ts';
import { afterBit, beforeBit } from '../../../src/frames/row-frame.ts';
import { partitionOf, route, routesOf, type EntityRoute } from '../../../src/ingest/router.ts';
import { count, debezium, entity, featureView, int64, text, timestamp, tumbling } from '../../../src/index.ts';

const person = entity('person', { key: { person_id: int64() }, partitions: 4 });
const place = entity('place', { key: { country: text(), city: text() }, partitions: 5 });
const bank = debezium({ prefix: 'bank' });
const transfers = bank.table('public.transfers', {
  columns: {
    id: int64(),
    sender: int64().nullable(),
    receiver: int64().nullable(),
    country: text().nullable(),
    city: text().nullable(),
    at: timestamp(),
  },
  primaryKey: ['id'],
  time: { event: 'at' },
});
const persons = featureView('persons', {
  entity: person,
  from: { sent: transfers.by({ person_id: 'sender' }), received: transfers.by({ person_id: 'receiver' }) },
  features: ({ sent, received }) => ({
    sent: count(sent).over(tumbling('5m')),
    received: count(received).over(tumbling('5m')),
  }),
});
const places = featureView('places', {
  entity: place,
  from: { tx: transfers.by({ country: 'country', city: 'city' }) },
  features: ({ tx }) => ({ n: count(tx).over(tumbling('5m')) }),
});

const routes = routesOf(buildPlan({ persons, places }).entities, 'bank.public.transfers');
const [toPerson, toPlace] = routes as [EntityRoute, EntityRoute];
const [sender, receiver] = [0, 1];

const rowOf = (ids: readonly [bigint | null, bigint | null], at: readonly (string | null)[] = ['FI', 'Oulu']): Row => [
  1n,
  ids[0],
  ids[1],
  at[0]!,
  at[1]!,
  0n,
];

function routed(to: EntityRoute, before: Row | null, after: Row | null): { to: Record<number, number>; none: number } {
  const partitions: Record<number, number> = {};
  const none = route(to, before, after, (partition, bits) => {
    expect(partitions).not.toHaveProperty(String(partition));
    partitions[partition] = bits;
  });
  return { to: partitions, none };
}

// Logs exist whose rows stand where this hash put them: these numbers may never change.
test.each([
  ['1', 7, 71],
  ['2', 7, 135],
  ['42', 5, 589],
  ['-1', 2, 650],
  ['9223372036854775807', 1, 485],
  ['a%3Ab', 2, 570],
  ['caf%C3%A9:7', 7, 455],
  ['', 11, 923],
])('the key "%s" is in partition %d of 12 and %d of 1000, for ever', (key, of12, of1000) => {
  expect(partitionOf(key, 12)).toBe(of12);
  expect(partitionOf(key, 1000)).toBe(of1000);
});

test('consecutive ids spread evenly', () => {
  const counts = new Array<number>(12).fill(0);
  for (let id = 0; id < 12_000; id++) counts[partitionOf(String(id), 12)]!++;
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1150);
});

test('a topic is routed to every entity that reads it, and to no other', () => {
  expect(routes.map(({ entity: { name }, keys }) => [name, keys.length])).toEqual([
    ['person', 2],
    ['place', 1],
  ]);
  expect(routesOf(buildPlan({ places }).entities, 'bank.public.other')).toEqual([]);
});

test('an insertion goes to the partition of its key', () => {
  const at = partitionOf('FI:Oulu', 5);
  expect(routed(toPlace, null, rowOf([1n, 2n]))).toEqual({ to: { [at]: afterBit(0) }, none: 0 });
});

test('a deletion goes to the partition of its key', () => {
  const at = partitionOf('FI:Oulu', 5);
  expect(routed(toPlace, rowOf([1n, 2n]), null)).toEqual({ to: { [at]: beforeBit(0) }, none: 0 });
});

test('an update under one key stays whole', () => {
  const at = partitionOf('FI:Oulu', 5);
  const update = routed(toPlace, rowOf([1n, 2n]), rowOf([3n, 4n]));
  expect(update).toEqual({ to: { [at]: beforeBit(0) | afterBit(0) }, none: 0 });
});

test('an update that moves a row is a retraction at the old key and an insertion at the new one', () => {
  const [from, into] = [partitionOf('FI:Oulu', 5), partitionOf('FI:Turku', 5)];
  expect(from).not.toBe(into);
  const update = routed(toPlace, rowOf([1n, 2n]), rowOf([1n, 2n], ['FI', 'Turku']));
  expect(update).toEqual({ to: { [from]: beforeBit(0), [into]: afterBit(0) }, none: 0 });
});

test('two keys of one partition get one call, with both routes', () => {
  const other = Array.from({ length: 100 }, (_, i) => `City${i}`).find(
    (city) => partitionOf(`FI:${city}`, 5) === partitionOf('FI:Oulu', 5),
  )!;
  const update = routed(toPlace, rowOf([1n, 2n]), rowOf([1n, 2n], ['FI', other]));
  expect(update).toEqual({ to: { [partitionOf('FI:Oulu', 5)]: beforeBit(0) | afterBit(0) }, none: 0 });
});

test('an image whose key has a null belongs to nobody and is counted', () => {
  const at = partitionOf('FI:Oulu', 5);
  const nowhere = rowOf([1n, 2n], ['FI', null]);
  expect(routed(toPlace, null, nowhere)).toEqual({ to: {}, none: 1 });
  expect(routed(toPlace, nowhere, nowhere)).toEqual({ to: {}, none: 2 });
  expect(routed(toPlace, rowOf([1n, 2n]), nowhere)).toEqual({ to: { [at]: beforeBit(0) }, none: 1 });
  expect(routed(toPlace, nowhere, rowOf([1n, 2n]))).toEqual({ to: { [at]: afterBit(0) }, none: 1 });
});

test('each reading of a table has its own two bits', () => {
  const id = (partition: number): bigint =>
    BigInt(Array.from({ length: 100 }, (_, i) => i).find((n) => partitionOf(String(n), 4) === partition)!);
  const update = routed(toPerson, rowOf([id(0), id(1)]), rowOf([id(0), id(2)]));
  expect(update.to).toEqual({
    0: beforeBit(sender) | afterBit(sender),
    1: beforeBit(receiver),
    2: afterBit(receiver),
  });
});

test('whoever sends to himself is reached once, under both readings', () => {
  const at = partitionOf('7', 4);
  expect(routed(toPerson, null, rowOf([7n, 7n])).to).toEqual({ [at]: afterBit(sender) | afterBit(receiver) });
});

test('every image with a key reaches exactly the partition of that key, under its reading', () => {
  const id = fc.option(fc.bigInt({ min: -3n, max: 30n }));
  const image = fc.option(fc.tuple(id, id).map((ids) => rowOf(ids)));
  fc.assert(
    fc.property(image, image, (before, after) => {
      const { to, none } = routed(toPerson, before, after);
      const found: string[] = [];
      for (const [partition, bits] of Object.entries(to)) {
        for (const input of [sender, receiver]) {
          if ((bits & beforeBit(input)) !== 0) found.push(`before ${input} ${partition}`);
          if ((bits & afterBit(input)) !== 0) found.push(`after ${input} ${partition}`);
        }
      }
      const expected: string[] = [];
      for (const [name, row] of Object.entries({ before, after })) {
        for (const input of [sender, receiver]) {
          const key = row?.[1 + input] ?? null;
          if (key !== null) expected.push(`${name} ${input} ${partitionOf(String(key), 4)}`);
        }
      }
      expect(found.sort()).toEqual(expected.sort());
      expect(none).toBe((before === null ? 0 : 2) + (after === null ? 0 : 2) - expected.length);
    }),
  );
});
