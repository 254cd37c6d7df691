/** What an aggregate keeps, what it shows of that, and of which type: the meaning of each function of the language. */
import type { AggregateCall, AggregateFunction } from './aggregate.ts';
import { compareValues } from './compare.ts';
import type { ColumnType, Scalar, Value, ValueType } from './column.ts';
import { checkNumeric } from './functions/arithmetic.ts';
import { mostDigits } from './functions/signature.ts';
import { literalValue, type LiteralValue } from './literal.ts';
import type { AggregateState, ResultPlan } from './plan.ts';

export interface AggregateMeaning {
  readonly state: AggregateState;
  readonly result: ResultPlan;
  readonly type: ValueType;
  /** The value where there is nothing. */
  readonly empty: Value;
}

const int64: ColumnType = { kind: 'int64' };
const float64: ColumnType = { kind: 'float64' };
/** Rows have no value to say its type. */
const ofRows: ColumnType = { kind: 'boolean' };

/** The longest list that a feature may be. */
const longestList = 1_000;

/**
 * @param value the type of the values; null where rows count.
 * @param appendOnly nothing is ever taken back, so that less is enough.
 * @throws RangeError when the function does not take such values, or a parameter is out of its range.
 */
export function meaningOf(call: AggregateCall, value: ColumnType | null, appendOnly: boolean): AggregateMeaning {
  const type = value ?? ofRows;
  const { function: name } = call;
  switch (name) {
    case 'count':
      return { state: { kind: 'count' }, result: { function: name }, type: int64, empty: 0n };
    case 'ratio':
      if (type.kind !== 'boolean') throw new RangeError(`ratio takes a condition, not ${type.kind}`);
      return { state: { kind: 'ratio' }, result: { function: name }, type: float64, empty: null };
    case 'timeSinceLast':
      return { state: { kind: 'times', appendOnly }, result: { function: name }, type: float64, empty: null };
    case 'distinctCount':
      return { state: { kind: 'values', type, keep: null }, result: { function: name }, type: int64, empty: 0n };
    case 'approxDistinctCount':
      return approxDistinct(call, type, appendOnly);
    case 'sum':
    case 'mean':
    case 'variance':
    case 'stddev':
    case 'percentile':
    case 'histogram':
      checkNumeric(type, name);
      return ofNumbers(call, type);
    case 'min':
    case 'max':
    case 'first':
    case 'last':
      return { ...ofValues(name, 1, type, appendOnly), result: { function: name }, type, empty: null };
    default: {
      checkWhole(name === 'topK' ? 'k' : 'limit', call.limit, 1, longestList);
      const result = { function: name, limit: call.limit };
      return {
        ...ofValues(name, call.limit, type, appendOnly),
        result,
        type: { kind: 'list', element: type },
        empty: [],
      };
    }
  }
}

type Named<Name extends AggregateFunction> = Extract<AggregateCall, { readonly function: Name }>;

function approxDistinct(
  { precision }: Named<'approxDistinctCount'>,
  type: ColumnType,
  appendOnly: boolean,
): AggregateMeaning {
  checkWhole('precision', precision, 4, 16);
  if (!appendOnly) {
    throw new RangeError(
      'approxDistinctCount cannot take a row back: declare the table appendOnly: true if its rows are never changed, or use distinctCount',
    );
  }
  const state = { kind: 'hyperloglog', type, precision } as const;
  return { state, result: { function: 'approxDistinctCount' }, type: int64, empty: 0n };
}

function ofNumbers(
  call: Named<'sum' | 'mean' | 'variance' | 'stddev' | 'percentile' | 'histogram'>,
  type: ColumnType,
): AggregateMeaning {
  const scale = scaleOf(type);
  switch (call.function) {
    case 'variance':
    case 'stddev': {
      const { function: name, population } = call;
      const result = { function: name, population, scale };
      return { state: { kind: 'moments', type }, result, type: float64, empty: null };
    }
    case 'percentile': {
      const { fraction, exactLimit, accuracy } = call;
      checkRange('fraction', fraction, 0, 1);
      checkWhole('exactLimit', exactLimit, 1, 10_000);
      checkRange('accuracy', accuracy, 0.001, 0.1);
      const state = { kind: 'quantiles', type, exactLimit, accuracy } as const;
      return { state, result: { function: 'percentile', fraction, scale }, type: float64, empty: null };
    }
    case 'histogram': {
      const state = { kind: 'histogram', type, bounds: boundsOf(call.bounds, type) } as const;
      return { state, result: { function: 'histogram' }, type: { kind: 'list', element: int64 }, empty: [] };
    }
    default: {
      const { function: name } = call;
      const result = { function: name, scale };
      return { state: { kind: 'sum', type }, result, type: name === 'sum' ? sumType(type) : float64, empty: null };
    }
  }
}

function scaleOf(type: ColumnType): number | null {
  if (type.kind === 'decimal') return type.scale;
  return type.kind === 'float64' ? null : 0;
}

function sumType(type: ColumnType): ColumnType {
  switch (type.kind) {
    case 'int32':
      return int64;
    case 'decimal':
      return { kind: 'decimal', precision: Math.max(mostDigits, type.precision), scale: type.scale };
    case 'int64':
      return { kind: 'decimal', precision: mostDigits, scale: 0 };
    default:
      return float64;
  }
}

function boundsOf(bounds: readonly LiteralValue[], type: ColumnType): Scalar[] {
  if (bounds.length < 1 || bounds.length > longestList - 1)
    throw new RangeError(`histogram has ${bounds.length} bounds; it takes 1 to ${longestList - 1}`);
  const values = bounds.map((bound) => literalValue(bound, type));
  const fallen = values.findIndex((bound, i) => i > 0 && compareValues(values[i - 1]!, bound) >= 0);
  if (fallen !== -1) throw new RangeError(`the bounds of histogram must ascend; ${String(bounds[fallen])} does not`);
  return values;
}

/** The values that are kept: all, or where nothing is taken back those that can still be shown. */
function ofValues(
  name: AggregateFunction,
  limit: number,
  type: ColumnType,
  appendOnly: boolean,
): Pick<AggregateMeaning, 'state'> {
  const keep = <End extends string>(end: End): { end: End; limit: number } | null =>
    appendOnly ? { end, limit } : null;
  switch (name) {
    case 'min':
    case 'bottomValues':
      return { state: { kind: 'values', type, keep: keep('lowest') } };
    case 'max':
    case 'topValues':
      return { state: { kind: 'values', type, keep: keep('highest') } };
    case 'first':
    case 'firstN':
      return { state: { kind: 'ordered', type, keep: keep('first') } };
    case 'lastDistinct':
      return { state: { kind: 'recent', type, appendOnly } };
    case 'topK':
      return { state: { kind: 'frequencies', type } };
    default:
      return { state: { kind: 'ordered', type, keep: keep('last') } };
  }
}

function checkWhole(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`${name} is ${String(value)}; it must be a whole number from ${low} to ${high}`);
}

function checkRange(name: string, value: number, low: number, high: number): void {
  if (!(typeof value === 'number' && value >= low && value <= high))
    throw new RangeError(`${name} is ${String(value)}; it must be a number from ${low} to ${high}`);
}
