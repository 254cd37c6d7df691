/** Random views over given tables: every window and every aggregate that fits, over few columns so that they meet. */
import { compare } from './naive-oracle/order.ts';
import type {
  AggregateSpec,
  ColumnSpec,
  DerivedSpec,
  EmitSpec,
  ExpressionSpec,
  FeatureSpec,
  InputSpec,
  Scalar,
  TableSpec,
  TypeSpec,
  ViewSpec,
  WindowSpec,
} from './naive-oracle/spec.ts';
import { resultTypes, scaleOfResult } from './naive-oracle/types.ts';
import type { Random } from './random.ts';

/** What there is to choose from. */
export interface ViewChoices {
  readonly inputs: readonly InputSpec[];
  readonly windows: (random: Random) => WindowSpec;
  /** Values that rows of a column may have, for conditions and bounds. */
  readonly values: (column: ColumnSpec) => readonly Scalar[];
  readonly functions: readonly AggregateSpec['function'][];
  readonly emit: readonly EmitSpec[];
}

/** All that can be taken back. */
export const exactFunctions = [
  ...(['count', 'countOf', 'sum', 'mean', 'min', 'max', 'variance', 'stddev', 'first', 'last'] as const),
  ...(['firstN', 'lastN', 'lastDistinct', 'topK', 'topValues', 'bottomValues', 'distinctCount'] as const),
  ...(['percentile', 'histogram', 'ratio', 'timeSinceLast'] as const),
] satisfies readonly AggregateSpec['function'][];

const numeric: readonly TypeSpec['kind'][] = ['int32', 'int64', 'float64', 'decimal'];
const ordered: readonly TypeSpec['kind'][] = [...numeric, 'text', 'date', 'timestamp', 'timestamptz'];

export function randomView(random: Random, name: string, choices: ViewChoices): ViewSpec {
  const inputs = choices.inputs.filter(() => random.chance(0.6));
  if (inputs.length === 0) inputs.push(random.pick(choices.inputs));
  const features = Array.from({ length: random.between(2, 7) }, (_, i) =>
    randomFeature(random, `f${i}`, inputs, choices),
  );
  const view: ViewSpec = { name, inputs, features, derived: [], emit: random.pick(choices.emit) };
  return { ...view, derived: randomDerived(random, view) };
}

function randomDerived(random: Random, view: ViewSpec): DerivedSpec[] {
  const types = resultTypes(view);
  const numbers = view.features.filter((_, i) => scaleOfResult(types[i]!) !== null).map(({ name }) => name);
  if (numbers.length === 0) return [];
  return Array.from({ length: random.between(0, 2) }, (_, i) => ({
    name: `d${i}`,
    function: random.pick(['quotient', 'isMore', 'orZero', 'larger'] as const),
    left: random.pick(numbers),
    right: random.pick(numbers),
  }));
}

function randomFeature(random: Random, name: string, inputs: readonly InputSpec[], choices: ViewChoices): FeatureSpec {
  const { alias, table } = random.pick(inputs);
  const aggregate = randomAggregate(random, table, choices);
  return {
    name,
    input: alias,
    aggregate,
    where: random.chance(0.35) ? randomCondition(random, table, choices, 2) : null,
    window: choices.windows(random),
    fallback: random.chance(0.2) ? randomFallback(random, aggregate, table, choices) : null,
  };
}

function randomFallback(
  random: Random,
  aggregate: AggregateSpec,
  table: TableSpec,
  choices: ViewChoices,
): Scalar | null {
  if (!['min', 'max', 'first', 'last'].includes(aggregate.function) || !('value' in aggregate)) return null;
  const { value } = aggregate;
  const column = table.columns.find(({ name }) => value.op === 'column' && name === value.name);
  return column === undefined ? null : random.pick(choices.values(column));
}

function randomAggregate(random: Random, table: TableSpec, choices: ViewChoices): AggregateSpec {
  const name = random.pick(choices.functions);
  switch (name) {
    case 'count':
    case 'timeSinceLast':
      return { function: name };
    case 'ratio':
      return { function: name, value: randomCondition(random, table, choices, 1) };
    case 'sum':
    case 'mean':
      return { function: name, value: column(random, table, numeric) };
    case 'variance':
    case 'stddev':
      return { function: name, population: random.chance(0.5), value: column(random, table, numeric) };
    case 'min':
    case 'max':
      return { function: name, value: column(random, table, ordered) };
    case 'topValues':
    case 'bottomValues':
      return { function: name, limit: random.between(1, 4), value: column(random, table, ordered) };
    case 'percentile':
      return { function: name, fraction: random.pick(fractions), value: column(random, table, numeric) };
    case 'histogram':
      return randomHistogram(random, table, choices);
    case 'firstN':
    case 'lastN':
    case 'lastDistinct':
    case 'topK':
      return { function: name, limit: random.between(1, 4), value: column(random, table, null) };
    default:
      return { function: name, value: column(random, table, null) };
  }
}

const fractions = [0.01, 0.25, 0.5, 0.9, 0.99, 1];

function column(random: Random, table: TableSpec, kinds: readonly TypeSpec['kind'][] | null): ExpressionSpec {
  const fitting = table.columns.filter(({ type }) => kinds === null || kinds.includes(type.kind));
  return { op: 'column', name: random.pick(fitting).name };
}

function randomHistogram(random: Random, table: TableSpec, choices: ViewChoices): AggregateSpec {
  const value = column(random, table, numeric) as Extract<ExpressionSpec, { op: 'column' }>;
  const values = choices.values(table.columns.find(({ name }) => name === value.name)!);
  const picked = Array.from({ length: random.between(1, 4) }, () => random.pick(values));
  const bounds = picked.sort(compare).filter((bound, i) => i === 0 || compare(picked[i - 1]!, bound) !== 0);
  return { function: 'histogram', bounds, value };
}

/** @param depth how many conditions it may be made of, one in another. */
function randomCondition(
  random: Random,
  table: TableSpec,
  choices: Pick<ViewChoices, 'values'>,
  depth: number,
): ExpressionSpec {
  const inner = (): ExpressionSpec => randomCondition(random, table, choices, depth - 1);
  const shape = depth === 0 ? 'leaf' : random.pick(['leaf', 'leaf', 'and', 'or', 'not'] as const);
  if (shape === 'and' || shape === 'or') return { op: shape, terms: [inner(), inner()] };
  if (shape === 'not') return { op: 'not', term: inner() };
  const { name, type, nullable } = random.pick(table.columns);
  const left: ExpressionSpec = { op: 'column', name };
  if (nullable && random.chance(0.2)) return { op: 'isNull', term: left };
  if (type.kind === 'boolean') return left;
  const value = random.pick(choices.values(table.columns.find((each) => each.name === name)!));
  const op = random.pick(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const);
  return { op, left, right: { op: 'literal', type, value } };
}
