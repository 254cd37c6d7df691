/** A view's plan: its features over shared aggregates, what is derived from them, and its version. */
import { hash64 } from '../util/hash.ts';
import type { AggregateNode, Feature } from './aggregate.ts';
import { meaningOf, type AggregateMeaning } from './aggregate-plan.ts';
import type { Value } from './column.ts';
import { checkFeatureName, checkView, checkWindow } from './checks.ts';
import { compile, type Compiled } from './compile.ts';
import { parseDuration_us } from './duration.ts';
import { inputsRead, withInput, type ExpressionNode } from './expression.ts';
import { inputId, inputPlan } from './input-plan.ts';
import { parseTemplate, type KeyField } from './key.ts';
import { defaultValue } from './literal.ts';
import type {
  AggregatedFeature,
  AggregatePlan,
  DerivedFeature,
  EmitPlan,
  FeaturePlan,
  InputPlan,
  Row,
  TablePlan,
  ViewPlan,
} from './plan.ts';
import type { Problems } from './problems.ts';
import { formatValue } from './value.ts';
import type { FeatureView } from './view.ts';
import { longestWindow_us, leastWindow_us } from './window.ts';

/** Counts up when the engine computes something differently for the same definition: other values, other version. */
const engineSemantics = 2;

/** What a view is a part of. */
export interface Surroundings {
  readonly key: readonly KeyField[];
  readonly tables: readonly TablePlan[];
  readonly inputs: readonly InputPlan[];
}

/** Where a feature finds what it reads, and what it finds wrong. */
interface Workshop {
  readonly around: Surroundings;
  /** The index of each input by its name in `from`. */
  readonly inputIndex: ReadonlyMap<string, number>;
  /** Of all features so far. */
  readonly aggregates: AggregatePlan[];
  readonly problems: Problems;
}

/** @param exported the name under which the view is exported, for messages. */
export function viewPlan(
  exported: string,
  view: FeatureView,
  index: number,
  around: Surroundings,
  problems: Problems,
): ViewPlan {
  checkView(view, exported, problems);
  const workshop: Workshop = { around, inputIndex: inputIndexes(view, around), aggregates: [], problems };
  const aggregated = Object.entries(view.features).flatMap(
    ([name, feature]) => aggregatedFeature(name, feature, `${exported}.features.${name}`, workshop) ?? [],
  );
  const derived = Object.entries(view.derived).flatMap(
    ([name, { node }]) => derivedFeature(name, node, aggregated, `${exported}.derive.${name}`, workshop) ?? [],
  );
  const features: readonly FeaturePlan[] = [...aggregated, ...derived];
  const inputs = [...new Set(workshop.inputIndex.values())].sort((a, b) => a - b);
  const read = inputs.map((input) => around.tables[around.inputs[input]!.table]!);
  const isComplete = aggregated.length === Object.keys(view.features).length;
  return {
    name: view.name,
    index,
    features,
    aggregates: workshop.aggregates,
    emit: emitPlan(view, aggregated, workshop, `${exported}.emit`),
    inputs,
    online: problems.attempt(`${exported}.online.key`, () => parseTemplate(view.onlineKey, around.key)) ?? {
      literals: [''],
      parts: [],
    },
    allowedLateness_us: Math.max(0, ...read.map((table) => table.time?.allowedLateness_us ?? 0)),
    hash: isComplete ? viewHash(view, around.key, read) : '',
  };
}

function inputIndexes(view: FeatureView, { tables, inputs, key }: Surroundings): Map<string, number> {
  return new Map(
    Object.entries(view.inputs).map(([alias, input]) => {
      const table = tables.findIndex(({ topic }) => topic === input.table.topic);
      const id = inputId(inputPlan(input, table, tables[table]!, key));
      return [alias, inputs.findIndex((other) => inputId(other) === id)];
    }),
  );
}

/** The one input that a feature reads, null when it is no feature or reads another one too. */
function readInput(feature: Feature, path: string, { inputIndex, problems }: Workshop): string | null {
  // A definitions file is not type-checked when it is loaded.
  if ((feature as Partial<Feature>).definition !== 'feature') {
    problems.add(path, 'is no feature; an aggregate needs its window: count(tx).over(tumbling(…))');
    return null;
  }
  const { input, value, where } = feature.aggregate;
  const read = [value, where].flatMap((node) => (node === null ? [] : inputsRead(node)));
  const foreign = [input, ...read].find((alias) => alias !== '' && !inputIndex.has(alias));
  if (foreign !== undefined) {
    problems.add(path, `reads "${foreign}", which is not in from; it has ${[...inputIndex.keys()].join(', ')}`);
    return null;
  }
  if (input === '') {
    problems.add(path, 'aggregates an expression that reads no column; count(…) counts rows');
    return null;
  }
  const other = read.find((alias) => alias !== input);
  if (other !== undefined) problems.add(path, `aggregates rows of "${input}", but reads a column of "${other}" too`);
  return other === undefined ? input : null;
}

/** Functions that go by the order of rows. */
const timeOrdered: readonly string[] = ['first', 'last', 'firstN', 'lastN', 'lastDistinct', 'timeSinceLast'];

function aggregatedFeature(
  name: string,
  feature: Feature,
  path: string,
  workshop: Workshop,
): AggregatedFeature | undefined {
  const { around, inputIndex, problems } = workshop;
  checkFeatureName(name, around.key, path, problems);
  const alias = readInput(feature, path, workshop);
  if (alias === null) return undefined;
  const input = inputIndex.get(alias)!;
  const table = around.tables[around.inputs[input]!.table]!;
  checkWindow(feature.window, path, problems);
  checkTime(feature, table, path, problems);
  const { call, value, where } = feature.aggregate;
  const compiled = value === null ? null : problems.attempt(path, () => compileFor(value, table));
  const condition = where === null ? null : predicate(where, table, `${path}.where`, problems);
  if (compiled === undefined) return undefined;
  const meaning = problems.attempt(path, () => meaningOf(call, compiled?.type ?? null, table.appendOnly));
  if (meaning === undefined) return undefined;
  const { state, result, type } = meaning;
  const aggregate = intern(workshop.aggregates, {
    id: canonical([input, state, ...[value, where].map((node) => node && withInput(node, ''))]),
    input,
    state,
    value: compiled?.evaluate ?? null,
    where: condition,
  });
  const fallback = problems.attempt(`${path}.default`, () => fallbackOf(feature, meaning));
  return { kind: 'aggregated', name, type, fallback: fallback ?? null, aggregate, window: feature.window, result };
}

/** @throws RangeError when the default is no value of the feature, or can never be one. */
function fallbackOf({ fallback, aggregate }: Feature, { type, empty }: AggregateMeaning): Value {
  if (fallback === null) return empty;
  const value = defaultValue(fallback, type);
  if (empty === null) return value;
  const nothing = formatValue(type, empty)!;
  throw new RangeError(
    `${aggregate.call.function} is never null, but ${nothing} where there is nothing: a default is never used`,
  );
}

const compileFor = (node: ExpressionNode, { columns }: TablePlan): Compiled => compile(node, { of: 'table', columns });

function checkTime({ window, aggregate }: Feature, table: TablePlan, path: string, problems: Problems): void {
  if (table.time !== null) return;
  const without = `but table ${table.name} declares no event time (time: { event: … })`;
  if (window.kind !== 'unbounded') problems.add(path, `has a window, ${without}`);
  const { function: name } = aggregate.call;
  if (timeOrdered.includes(name)) problems.add(path, `${name} goes by the time of rows, ${without}`);
}

/** The index of an aggregation, the same for the same. */
function intern(aggregates: AggregatePlan[], plan: AggregatePlan): number {
  const known = aggregates.findIndex(({ id }) => id === plan.id);
  return known === -1 ? aggregates.push(plan) - 1 : known;
}

function predicate(
  node: ExpressionNode,
  table: TablePlan,
  path: string,
  problems: Problems,
): ((row: Row) => boolean) | null {
  const compiled = problems.attempt(path, () => compileFor(node, table));
  if (compiled === undefined) return null;
  if (compiled.type.kind !== 'boolean') problems.add(path, `is ${compiled.type.kind}, not a condition`);
  const { evaluate } = compiled;
  return (row) => evaluate(row) === true;
}

function derivedFeature(
  name: string,
  node: ExpressionNode | undefined,
  features: readonly AggregatedFeature[],
  path: string,
  { around, problems }: Workshop,
): DerivedFeature | undefined {
  checkFeatureName(name, around.key, path, problems);
  if (node === undefined) {
    problems.add(path, 'is no expression; derive computes with features: div(f.spend, f.count)');
    return undefined;
  }
  const compiled = problems.attempt(path, () => compile(node, { of: 'view', columns: features }));
  if (compiled === undefined) return undefined;
  return { kind: 'derived', name, type: compiled.type, fallback: null, derive: compiled.evaluate };
}

function emitPlan(
  { emit }: FeatureView,
  features: readonly AggregatedFeature[],
  { aggregates, problems }: Workshop,
  path: string,
): EmitPlan {
  if (emit === 'changes') return { kind: 'changes' };
  if (emit === 'closed') {
    const windows = new Set(features.map(({ window }) => canonical(Object.entries(window).sort())));
    const kinds = new Set(features.map(({ window }) => window.kind));
    const inputs = new Set(features.map(({ aggregate }) => aggregates[aggregate]!.input));
    const isSession = kinds.has('session');
    if (windows.size > 1 || !(kinds.has('tumbling') || isSession) || (isSession && inputs.size > 1)) {
      const rule = 'needs all features of the view over one tumbling window, or over one session window of one input';
      problems.add(path, `'closed' ${rule}`);
    }
    return { kind: 'closed' };
  }
  const { every } = emit as Partial<typeof emit>;
  const interval_us = problems.attempt(path, () => parseDuration_us(String(every))) ?? leastWindow_us;
  if (interval_us < leastWindow_us || interval_us > longestWindow_us)
    problems.add(path, 'the interval must be from 1s to 400d');
  return { kind: 'every', interval_us };
}

/** Only of a view whose features are all features. */
function viewHash(view: FeatureView, key: readonly KeyField[], tables: readonly TablePlan[]): string {
  const { name, emit } = view;
  const derived = Object.entries(view.derived).map(([feature, { node }]) => [feature, node]);
  const parts = [key, tables, name, describeInputs(view), describeFeatures(view.features), derived, emit];
  return hash64(canonical([engineSemantics, ...parts]));
}

function describeInputs(view: FeatureView): unknown {
  return Object.entries(view.inputs).map(([alias, input]) => [
    alias,
    input.table.topic,
    Object.entries(input.by).sort(),
  ]);
}

function describeFeatures(features: FeatureView['features']): unknown {
  return Object.entries(features).map(([name, { aggregate, window, fallback }]) => {
    const { call, input, value, where }: AggregateNode = aggregate;
    return [name, call, input, value, where, window, fallback];
  });
}

/** Functions are left out: what they are known by stands beside them. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`;
    // JSON has no word for these and would write null.
    return typeof part === 'number' && !Number.isFinite(part) ? String(part) : part;
  });
}
