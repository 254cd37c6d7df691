/**
 * Definitions → {@link Plan}. What the types could not refuse is refused here, all faults at once, each with its path.
 */
import { InvalidError } from '../errors.ts';
import { hash32, hash64 } from '../util/hash.ts';
import type { Feature } from './aggregate.ts';
import type { ColumnType } from './column.ts';
import {
  checkEntity,
  checkFeatureName,
  checkInput,
  checkOnlineFields,
  checkSharedTables,
  checkTable,
  checkView,
} from './checks.ts';
import { parseDuration_us } from './duration.ts';
import type { Entity } from './entity.ts';
import { parseTemplate, type KeyField } from './key.ts';
import type {
  AggregatePlan,
  AggregatedFeature,
  ColumnPlan,
  EntityPlan,
  InputPlan,
  Plan,
  Row,
  TablePlan,
  TimePlan,
  ViewPlan,
} from './plan.ts';
import { compileExpression, inputsRead, literalValue, typeOf } from './predicate.ts';
import { Problems } from './problems.ts';
import type { Table } from './table.ts';
import type { FeatureView } from './view.ts';

/** Counts up when the engine computes something differently for the same definition: other values, other version. */
const engineSemantics = 2;

/** Frames have two bits for each. */
const inputsPerTable = 12;

/**
 * The plan of a set of views.
 * @param views by the name under which the definitions file exports them, for messages.
 * @throws InvalidError `definition-invalid` with one line per fault.
 */
export function buildPlan(views: Readonly<Record<string, FeatureView>>): Plan {
  const problems = new Problems();
  const byEntity = new Map<string, { entity: Entity; views: [string, FeatureView][] }>();
  const named = Object.entries(views).sort(([, a], [, b]) => (a.name < b.name ? -1 : 1));
  for (const [exported, view] of named) {
    const twins = Object.keys(views).filter((other) => views[other]!.name === view.name);
    const first = twins.sort()[0]!;
    if (first !== exported) problems.add(exported, `the view name "${view.name}" is taken by ${first}`);
    const group = byEntity.get(view.entity.name) ?? { entity: view.entity, views: [] };
    if (describeEntity(group.entity) !== describeEntity(view.entity)) {
      problems.add(
        `${exported}.entity`,
        `another entity is also called "${view.entity.name}"; give one of them another name`,
      );
    }
    group.views.push([exported, view]);
    byEntity.set(view.entity.name, group);
  }
  if (named.length === 0)
    problems.add('definitions', 'no feature view is exported; export at least one featureView(…)');
  const entities = [...byEntity.values()].map((group) => entityPlan(group.entity, group.views, problems));
  checkOnlineFields(named, problems);
  checkSharedTables(entities, problems);
  if (problems.list.length > 0)
    throw new InvalidError('definition-invalid', 'The definitions have faults:', problems.list);
  return { entities: entities.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function describeEntity(entity: Entity): string {
  const fields = Object.entries(entity.key).map(([name, column]) => [name, column.kind]);
  return JSON.stringify([fields, entity.partitions, entity.generation]);
}

function entityPlan(
  entity: Entity,
  views: readonly (readonly [string, FeatureView])[],
  problems: Problems,
): EntityPlan {
  checkEntity(entity, problems);
  const key: KeyField[] = Object.entries(entity.key).map(([name, column]) => ({ name, kind: column.kind }));
  const tables = tablesOf(views, problems);
  const inputs = inputsOf(views, tables, key, problems);
  const plans = views.map(([exported, view], index) =>
    viewPlan(exported, view, index, { key, tables, inputs }, problems),
  );
  return {
    name: entity.name,
    key,
    partitions: entity.partitions,
    generation: entity.generation,
    tables,
    inputs,
    views: plans,
  };
}

function tablesOf(views: readonly (readonly [string, FeatureView])[], problems: Problems): TablePlan[] {
  const tables = new Map<string, { table: Table; plan: TablePlan }>();
  for (const [exported, view] of views) {
    for (const [alias, { table }] of Object.entries(view.inputs)) {
      const path = `${exported}.from.${alias} (table ${table.name})`;
      const known = tables.get(table.topic);
      if (known?.table === table) continue;
      const plan = tablePlan(table, path, problems);
      if (known === undefined) tables.set(table.topic, { table, plan });
      else if (JSON.stringify(known.plan) !== JSON.stringify(plan)) {
        problems.add(path, 'the table is defined twice, and differently; define it once and use it in all views');
      }
    }
  }
  return [...tables.values()].map(({ plan }) => plan).sort((a, b) => (a.topic < b.topic ? -1 : 1));
}

function tablePlan(table: Table, path: string, problems: Problems): TablePlan {
  checkTable(table, path, problems);
  const columns = Object.entries(table.columns).map(([name, column]): ColumnPlan => {
    return { name, type: column.type, nullable: column.isNullable };
  });
  const indexOf = (name: string): number => columns.findIndex((column) => column.name === name);
  return {
    name: table.name,
    topic: table.topic,
    heartbeatTopic: table.heartbeatTopic,
    encoding: table.encoding,
    columns,
    primaryKey: table.primaryKey.map(indexOf),
    replicaIdentity: table.replicaIdentity,
    onError: table.onError,
    snapshots: table.snapshots,
    appendOnly: false,
    time: timePlan(table, indexOf, path, problems),
    columnSet: hash32(JSON.stringify([table.name, columns])),
  };
}

function timePlan(table: Table, indexOf: (name: string) => number, path: string, problems: Problems): TimePlan | null {
  const { time } = table;
  if (time === null) return null;
  const duration = (
    name: 'outOfOrderness' | 'maxAhead' | 'idleTimeout' | 'allowedLateness',
    fallback: string,
  ): number => problems.attempt(`${path}.time.${name}`, () => parseDuration_us(time[name] ?? fallback)) ?? 0;
  return {
    column: indexOf(time.event),
    outOfOrderness_us: duration('outOfOrderness', '0s'),
    maxAhead_us: duration('maxAhead', '1m'),
    idleTimeout_us: duration('idleTimeout', '1s'),
    allowedLateness_us: duration('allowedLateness', '0s'),
  };
}

function inputsOf(
  views: readonly (readonly [string, FeatureView])[],
  tables: readonly TablePlan[],
  key: readonly KeyField[],
  problems: Problems,
): InputPlan[] {
  const inputs = new Map<string, InputPlan>();
  for (const [exported, view] of views) {
    for (const [alias, input] of Object.entries(view.inputs)) {
      const table = tables.findIndex(({ topic }) => topic === input.table.topic);
      checkInput(input, tables[table]!, key, `${exported}.from.${alias}.by`, problems);
      const plan = inputPlan(input, table, tables[table]!, key);
      inputs.set(inputId(plan), plan);
    }
  }
  tables.forEach(({ name }, index) => {
    const readings = [...inputs.values()].filter(({ table }) => table === index).length;
    if (readings > inputsPerTable) {
      problems.add(`table ${name}`, `is read under ${readings} different keys; at most ${inputsPerTable} are possible`);
    }
  });
  return [...inputs.values()].sort((a, b) => (inputId(a) < inputId(b) ? -1 : 1));
}

function inputPlan(
  input: { readonly by: Readonly<Record<string, string>> },
  table: number,
  plan: TablePlan,
  key: readonly KeyField[],
): InputPlan {
  return { table, keyColumns: key.map((field) => plan.columns.findIndex(({ name }) => name === input.by[field.name])) };
}

function inputId(input: InputPlan): string {
  return [input.table, ...input.keyColumns].map((n) => String(n).padStart(4, '0')).join(',');
}

interface Surroundings {
  readonly key: readonly KeyField[];
  readonly tables: readonly TablePlan[];
  readonly inputs: readonly InputPlan[];
}

function viewPlan(
  exported: string,
  view: FeatureView,
  index: number,
  around: Surroundings,
  problems: Problems,
): ViewPlan {
  checkView(view, exported, problems);
  const inputIndex = new Map<string, number>();
  for (const [alias, input] of Object.entries(view.inputs)) {
    const table = around.tables.findIndex(({ topic }) => topic === input.table.topic);
    const id = inputId(inputPlan(input, table, around.tables[table]!, around.key));
    inputIndex.set(
      alias,
      around.inputs.findIndex((other) => inputId(other) === id),
    );
  }
  const aggregates: AggregatePlan[] = [];
  const features = Object.entries(view.features).flatMap(([name, feature]) => {
    const path = `${exported}.features.${name}`;
    checkFeatureName(name, around.key, path, problems);
    const alias = readInput(feature, inputIndex, path, problems);
    if (alias === null) return [];
    const input = inputIndex.get(alias)!;
    return [
      featurePlan(
        name,
        feature,
        { input, table: around.tables[around.inputs[input]!.table]!, aggregates },
        path,
        problems,
      ),
    ];
  });
  const inputs = [...new Set(inputIndex.values())].sort((a, b) => a - b);
  const read = inputs.map((input) => around.tables[around.inputs[input]!.table]!);
  return {
    name: view.name,
    index,
    features,
    aggregates,
    emit: { kind: 'changes' },
    inputs,
    online: problems.attempt(`${exported}.online.key`, () => parseTemplate(view.onlineKey, around.key)) ?? {
      literals: [''],
      parts: [],
    },
    allowedLateness_us: Math.max(0, ...read.map((table) => table.time?.allowedLateness_us ?? 0)),
    hash: features.length === Object.keys(view.features).length ? viewHash(view, around.key, read) : '',
  };
}

/** The one input that a feature reads, null when it is no feature or reads another one too. */
function readInput(
  feature: Feature,
  inputs: ReadonlyMap<string, number>,
  path: string,
  problems: Problems,
): string | null {
  // A definitions file is not type-checked when it is loaded.
  if ((feature as Partial<Feature>).definition !== 'feature') {
    problems.add(path, 'is no feature; an aggregate needs its window: count(tx).over(tumbling(…))');
    return null;
  }
  const { input, value, where } = feature.aggregate;
  const read = [value, where].flatMap((expression) => (expression === null ? [] : inputsRead(expression.node)));
  const foreign = [input, ...read].find((alias) => !inputs.has(alias));
  if (foreign !== undefined) {
    problems.add(path, `reads "${foreign}", which is not in from; it has ${[...inputs.keys()].join(', ')}`);
    return null;
  }
  const other = read.find((alias) => alias !== input);
  if (other !== undefined) problems.add(path, `aggregates rows of "${input}", but reads a column of "${other}" too`);
  return other === undefined ? input : null;
}

/** Only of a view whose features are all features. */
function viewHash(view: FeatureView, key: readonly KeyField[], tables: readonly TablePlan[]): string {
  const { name, features } = view;
  return hash64(canonical([engineSemantics, key, tables, name, describeInputs(view), describeFeatures(features)]));
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
    return [name, aggregate.function, aggregate.input, aggregate.value?.node, aggregate.where?.node, window, fallback];
  });
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`;
    // JSON has no word for these and would write null.
    return typeof part === 'number' && !Number.isFinite(part) ? String(part) : part;
  });
}

interface Reading {
  readonly input: number;
  readonly table: TablePlan;
  readonly aggregates: AggregatePlan[];
}

function featurePlan(
  name: string,
  feature: Feature,
  { input, table, aggregates }: Reading,
  path: string,
  problems: Problems,
): AggregatedFeature {
  const { aggregate, window } = feature;
  if (table.time === null)
    problems.add(path, `has a window, but table ${table.name} declares no event time (time: { event: … })`);
  if (window.kind === 'tumbling' && !(window.size_us > 0))
    problems.add(`${path}.over`, 'the window size must be more than zero');
  const value =
    aggregate.value === null
      ? null
      : problems.attempt(path, () => compileExpression(aggregate.value!.node, table.columns));
  const type: ColumnType = (aggregate.value === null
    ? null
    : problems.attempt(path, () => typeOf(aggregate.value!.node, table.columns))) ?? { kind: 'int64' };
  const where = aggregate.where === null ? null : predicate(aggregate.where.node, table, `${path}.where`, problems);
  const fallback =
    feature.fallback === null ? null : problems.attempt(`${path}.default`, () => literalValue(feature.fallback!, type));
  const state: AggregatePlan['state'] =
    aggregate.function === 'count' ? { kind: 'count' } : { kind: 'values', type, keep: null };
  const id = canonical([input, state, aggregate.value?.node, aggregate.where?.node]);
  let index = aggregates.findIndex((other) => other.id === id);
  if (index === -1) index = aggregates.push({ id, input, state, value: value ?? null, where }) - 1;
  return {
    kind: 'aggregated',
    name,
    type,
    fallback: fallback ?? (aggregate.function === 'count' ? 0n : null),
    aggregate: index,
    window,
    result: { function: aggregate.function },
  };
}

function predicate(
  node: Parameters<typeof compileExpression>[0],
  table: TablePlan,
  path: string,
  problems: Problems,
): ((row: Row) => boolean) | null {
  const evaluate = problems.attempt(path, () => compileExpression(node, table.columns));
  if (evaluate === undefined) return null;
  const type = typeOf(node, table.columns);
  if (type?.kind !== 'boolean') problems.add(path, `is ${type?.kind ?? 'a literal'}, not a condition`);
  return (row) => evaluate(row) === true;
}
