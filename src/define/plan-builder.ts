/**
 * Definitions → {@link Plan}. What the types could not refuse is refused here, all faults at once, each with its path.
 */
import { InvalidError } from '../errors.ts';
import { hash32 } from '../util/hash.ts';
import {
  checkCustomFunctions,
  checkEntity,
  checkInput,
  checkOnlineFields,
  checkSharedTables,
  checkTable,
} from './checks.ts';
import { parseDuration_us } from './duration.ts';
import type { Entity } from './entity.ts';
import { inputId, inputPlan } from './input-plan.ts';
import type { KeyField } from './key.ts';
import type { ColumnPlan, EntityPlan, InputPlan, Plan, TablePlan, TimePlan } from './plan.ts';
import { Problems } from './problems.ts';
import type { Table } from './table.ts';
import { viewPlan } from './view-plan.ts';
import type { FeatureView } from './view.ts';

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
  checkCustomFunctions(named, problems);
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
    appendOnly: table.appendOnly,
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
