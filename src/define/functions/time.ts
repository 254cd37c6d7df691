import { describeType, type ColumnType } from '../column.ts';
import { isInfinite_us } from '../value.ts';
import { strict, type Argument, type ScalarFunction } from './signature.ts';

const day_us = 86_400_000_000n;
const hour_us = 3_600_000_000n;

/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const firstMonday_us = 4n * day_us;

const floorTo = (us: bigint, unit_us: bigint): bigint => us - (((us % unit_us) + unit_us) % unit_us);

export const truncationUnits = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
export type TruncationUnit = (typeof truncationUnits)[number];

function checkTime(name: string, terms: readonly Argument[]): ColumnType[] {
  return terms.map(({ type }) => {
    if (type?.kind === 'timestamp' || type?.kind === 'timestamptz') return type;
    const given = type === null ? 'a literal' : describeType(type);
    throw new RangeError(`${name} takes timestamps, not ${given}`);
  });
}

/** A number of an instant; infinity has none. */
function partOf(name: string, part: (us: bigint) => bigint, word: string): ScalarFunction {
  const compute = (us: bigint): number | null => (isInfinite_us(us) ? null : Number(part(us)));
  return (terms) => ({
    parameters: checkTime(name, terms),
    type: { kind: 'int32' },
    compile: strict(compute),
    sql: ([value]) => `CAST(${word}(${value}) AS INTEGER)`,
  });
}

const truncateTo: ScalarFunction = ([value, unit]) => {
  const name = unit!.literal as TruncationUnit;
  if (!truncationUnits.includes(name))
    throw new RangeError(`truncateTo takes ${truncationUnits.join(', ')}, not "${name}"`);
  const [type] = checkTime('truncateTo', [value!]) as [ColumnType];
  const compute = (us: bigint): bigint => (isInfinite_us(us) ? us : truncated(us, name));
  return {
    parameters: [type, { kind: 'text' }],
    type,
    compile: (terms) => strict(compute)(terms.slice(0, 1)),
    sql: ([term]) => `CAST(date_trunc('${name}', ${term}) AS TIMESTAMP)`,
  };
};

function truncated(us: bigint, unit: TruncationUnit): bigint {
  switch (unit) {
    case 'minute':
      return floorTo(us, 60_000_000n);
    case 'hour':
      return floorTo(us, hour_us);
    case 'day':
      return floorTo(us, day_us);
    case 'week':
      return floorTo(us - firstMonday_us, 7n * day_us) + firstMonday_us;
    default: {
      const date = new Date(Number(floorTo(us, day_us) / 1000n));
      date.setUTCMonth(unit === 'year' ? 0 : date.getUTCMonth(), 1);
      return BigInt(date.getTime()) * 1000n;
    }
  }
}

const secondsBetween: ScalarFunction = (terms) => {
  const compute = (from: bigint, to: bigint): number | null =>
    isInfinite_us(from) || isInfinite_us(to) ? null : Number(to - from) / 1e6;
  return {
    parameters: checkTime('secondsBetween', terms),
    type: { kind: 'float64' },
    compile: strict(compute),
    sql: ([from, to]) => `((epoch_us(${to}) - epoch_us(${from})) / 1e6)`,
  };
};

export const timeFunctions: Readonly<Record<string, ScalarFunction>> = {
  hourOf: partOf('hourOf', (us) => (us - floorTo(us, day_us)) / hour_us, 'hour'),
  dayOfWeek: partOf('dayOfWeek', (us) => (((floorTo(us, day_us) / day_us + 4n) % 7n) + 7n) % 7n, 'dayofweek'),
  truncateTo,
  secondsBetween,
};
