/** The types of what features give, and their values as the online store has them. */
import type { AggregateSpec, FeatureSpec, InputSpec, Result, Scalar, TableSpec, TypeSpec, ViewSpec } from './spec.ts';

export interface ResultType {
  readonly element: TypeSpec;
  readonly isList: boolean;
}

const scalar = (element: TypeSpec): ResultType => ({ element, isList: false });

/** Of each feature, then of what is derived. */
export function resultTypes(view: ViewSpec): ResultType[] {
  return [
    ...view.features.map((feature) => resultType(feature, inputOf(view, feature).table)),
    ...view.derived.map(({ function: name }) => scalar({ kind: name === 'isMore' ? 'boolean' : 'float64' })),
  ];
}

/** Null for lists and what is no number. */
export function scaleOfResult({ element, isList }: ResultType): number | 'double' | null {
  if (isList) return null;
  if (element.kind === 'float64') return 'double';
  if (element.kind === 'decimal') return element.scale;
  return element.kind === 'int32' || element.kind === 'int64' ? 0 : null;
}

function resultType({ aggregate }: FeatureSpec, table: TableSpec): ResultType {
  switch (aggregate.function) {
    case 'count':
    case 'countOf':
    case 'distinctCount':
    case 'approxDistinctCount':
      return scalar({ kind: 'int64' });
    case 'mean':
    case 'variance':
    case 'stddev':
    case 'ratio':
    case 'percentile':
    case 'timeSinceLast':
      return scalar({ kind: 'float64' });
    case 'sum':
      return scalar(sumType(typeOfValue(aggregate, table)));
    case 'histogram':
      return { element: { kind: 'int64' }, isList: true };
    default:
      return { element: typeOfValue(aggregate, table), isList: 'limit' in aggregate };
  }
}

function typeOfValue(
  aggregate: Exclude<AggregateSpec, { function: 'count' | 'timeSinceLast' }>,
  table: TableSpec,
): TypeSpec {
  const { value } = aggregate;
  return value.op === 'column' ? table.columns.find(({ name }) => name === value.name)!.type : { kind: 'boolean' };
}

function sumType(type: TypeSpec): TypeSpec {
  if (type.kind === 'int32') return { kind: 'int64' };
  if (type.kind === 'float64') return type;
  return { kind: 'decimal', precision: 38, scale: type.kind === 'decimal' ? type.scale : 0 };
}

/** As the online store has it; null for an absent field. */
export function onlineText({ element, isList }: ResultType, value: Result): string | null {
  if (value === null) return null;
  if (!isList) return scalarText(element, value as Scalar);
  const texts = (value as readonly Scalar[]).map((each) => {
    const text = scalarText(element, each);
    return typeof each === 'boolean' || isWhole(element) || isFinite(element, each) ? text : JSON.stringify(text);
  });
  return `[${texts.join(',')}]`;
}

const isWhole = ({ kind }: TypeSpec): boolean => kind === 'int32' || kind === 'int64';
const isFinite = ({ kind }: TypeSpec, value: Scalar): boolean => kind === 'float64' && Number.isFinite(value);

function scalarText(type: TypeSpec, value: Scalar): string {
  switch (type.kind) {
    case 'decimal':
      return decimalText(value as bigint, type.scale);
    case 'timestamp':
    case 'timestamptz':
      return timeText(value as bigint);
    case 'date':
      return new Date((value as number) * 86_400_000).toISOString().slice(0, 10);
    default:
      return String(value);
  }
}

function decimalText(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** `2026-01-02T03:04:05.123456Z`, from 1970 on. */
function timeText(time_us: bigint): string {
  const micros = String(time_us % 1000n).padStart(3, '0');
  return new Date(Number(time_us / 1000n)).toISOString().replace('Z', `${micros}Z`);
}

export function inputOf(view: ViewSpec, feature: FeatureSpec): InputSpec {
  return view.inputs.find(({ alias }) => alias === feature.input)!;
}
