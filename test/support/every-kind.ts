/** A view with one feature of each column kind, under a composite key, for tests of what is written about values. */
import * as fc from 'fast-check';
import {
  boolean,
  count,
  date,
  debezium,
  decimal,
  entity,
  featureView,
  float64,
  int32,
  int64,
  lastN,
  max,
  text,
  timestamp,
  timestamptz,
  tumbling,
} from '../../src/index.ts';
import type { Scalar, Value } from '../../src/define/column.ts';
import { keyOf } from '../../src/define/key.ts';
import { buildPlan } from '../../src/define/plan-builder.ts';
import type { EntityPlan, ViewPlan } from '../../src/define/plan.ts';
import type { FeatureRow } from '../../src/frames/feature-frame.ts';

const columns = {
  id: int64(),
  shard: int32(),
  name: text(),
  at: timestamp(6),
  small: int32().nullable(),
  big: int64().nullable(),
  real: float64().nullable(),
  price: decimal(12, 2).nullable(),
  long: decimal(18, 0).nullable(),
  wide: decimal(38, 0).nullable(),
  fine: decimal(30, 10).nullable(),
  huge: decimal(60, 3).nullable(),
  word: text().nullable(),
  flag: boolean().nullable(),
  local: timestamp(3).nullable(),
  instant: timestamptz().nullable(),
  day: date().nullable(),
};

const things = debezium({ prefix: 'x' }).table('public.things', {
  columns,
  primaryKey: ['id'],
  replicaIdentity: 'full',
  time: { event: 'at' },
});

const thing = entity('thing', { key: { id: int64(), shard: int32(), name: text() }, generation: 4 });

const everyKind = featureView('every_kind', {
  entity: thing,
  from: { t: things.by({ id: 'id', shard: 'shard', name: 'name' }) },
  features: ({ t }) => ({
    rows: count(t).over(tumbling('1h')),
    small: max(t.small).over(tumbling('1h')),
    big: max(t.big).over(tumbling('1h')),
    real: max(t.real).over(tumbling('1h')),
    price: max(t.price).over(tumbling('1h')),
    long: max(t.long).over(tumbling('1h')),
    wide: max(t.wide).over(tumbling('1h')),
    fine: max(t.fine).over(tumbling('1h')),
    huge: max(t.huge).over(tumbling('1h')),
    word: max(t.word).over(tumbling('1h')),
    flag: max(t.flag).over(tumbling('1h')),
    local: max(t.local).over(tumbling('1h')),
    instant: max(t.instant).over(tumbling('1h')),
    day: max(t.day).over(tumbling('1h')),
    bigs: lastN(t.big, { limit: 3 }).over(tumbling('1h')),
    reals: lastN(t.real, { limit: 3 }).over(tumbling('1h')),
    fines: lastN(t.fine, { limit: 3 }).over(tumbling('1h')),
    huges: lastN(t.huge, { limit: 3 }).over(tumbling('1h')),
    words: lastN(t.word, { limit: 3 }).over(tumbling('1h')),
    flags: lastN(t.flag, { limit: 3 }).over(tumbling('1h')),
    instants: lastN(t.instant, { limit: 3 }).over(tumbling('1h')),
    days: lastN(t.day, { limit: 3 }).over(tumbling('1h')),
  }),
});

export const thingPlan: EntityPlan = buildPlan({ everyKind }).entities[0]!;
export const everyKindView: ViewPlan = thingPlan.views[0]!;

export const featureNames: readonly string[] = everyKindView.features.map(({ name }) => name);

/** The features by name, those not given null. */
export function valuesOf(some: Readonly<Record<string, Value>>): Value[] {
  return featureNames.map((name) => some[name] ?? (name === 'rows' ? 0n : null));
}

export interface ThingKey {
  readonly id: bigint;
  readonly shard: number;
  readonly name: string;
}

export const keyText = ({ id, shard, name }: ThingKey): string => keyOf([id, shard, name], [0, 1, 2])!;

const nullable = (value: fc.Arbitrary<NonNullable<Value>>): fc.Arbitrary<Value> => fc.option(value, { freq: 4 });
const list = (element: fc.Arbitrary<Scalar>): fc.Arbitrary<Value> => nullable(fc.array(element, { maxLength: 4 }));
const int = (bits: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n });
/** From few digits or many, so that small numbers come often. */
const digits = (most: number): fc.Arbitrary<bigint> =>
  fc
    .tuple(
      fc.integer({ min: 1, max: most }),
      fc.bigInt({ min: -(10n ** BigInt(most) - 1n), max: 10n ** BigInt(most) - 1n }),
    )
    .map(([n, value]) => value % 10n ** BigInt(n));
/** Years 1677 to 2262 and beyond: within what DuckDB and Date both can show. */
const instants = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });

/** Any unicode text; Parquet is UTF-8, so there is no half of a pair. */
export const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '🦊',
    '\uff00',
    'a'.repeat(200),
    '\0',
    'Zoë',
    '🦊🦊🦊🦊🦊',
    '\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}',
  ),
);

export const keys: fc.Arbitrary<ThingKey> = fc.record({ id: int(64), shard: fc.integer(), name: texts });

export const values: fc.Arbitrary<Value[]> = fc
  .record({
    rows: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    small: nullable(fc.integer()),
    big: nullable(fc.oneof(int(64), int(8))),
    real: nullable(fc.double()),
    price: nullable(digits(12)),
    long: nullable(digits(18)),
    wide: nullable(digits(38)),
    fine: nullable(digits(30)),
    huge: nullable(digits(60)),
    word: nullable(texts),
    flag: nullable(fc.boolean()),
    local: nullable(instants),
    instant: nullable(instants),
    day: nullable(fc.integer({ min: -719_162, max: 2_932_896 })),
    bigs: list(int(64)),
    reals: list(fc.double()),
    fines: list(digits(30)),
    huges: list(digits(60)),
    words: list(texts),
    flags: list(fc.boolean()),
    instants: list(instants),
    days: list(fc.integer({ min: -719_162, max: 2_932_896 })),
  })
  .map(valuesOf);

export const rows: fc.Arbitrary<readonly FeatureRow[]> = fc.array(
  fc.record({
    key: keys.map(keyText),
    position: fc.maxSafeNat(),
    asOf_us: fc.integer({ min: 0, max: 4_102_444_800_000_000 }),
    created_us: fc.integer({ min: 0, max: 4_102_444_800_000_000 }),
    values,
  }),
  { minLength: 1, maxLength: 30 },
);
