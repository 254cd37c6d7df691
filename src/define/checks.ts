/** The faults that a definition can have beyond its types, one check per thing that is defined. */
import { compile } from './compile.ts';
import type { Column, ColumnType } from './column.ts';
import type { Entity } from './entity.ts';
import { nodesOf, type CustomNode, type ExpressionNode } from './expression.ts';
import type { KeyField } from './key.ts';
import type { EntityPlan, TablePlan } from './plan.ts';
import type { Problems } from './problems.ts';
import { inputHandleNames, type Input, type Table } from './table.ts';
import type { FeatureView } from './view.ts';
import { leastWindow_us, longestWindow_us, type Window } from './window.ts';

const identifier = /^[A-Za-z][A-Za-z0-9_]*$/;
const topicPart = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

export function checkEntity(entity: Entity, problems: Problems): void {
  const path = `entity ${entity.name}`;
  if (!topicPart.test(entity.name))
    problems.add(path, 'the name must be letters, digits, _ and -, since topics are named after it');
  // JavaScript callers are not held by the types.
  const fields: [string, Column][] = Object.entries(entity.key);
  if (fields.length === 0) problems.add(`${path}.key`, 'has no field; an entity needs at least one');
  for (const [name, column] of fields) {
    if (!identifier.test(name)) problems.add(`${path}.key.${name}`, 'the field name must be letters, digits and _');
    if (!['int32', 'int64', 'text'].includes(column.kind))
      problems.add(`${path}.key.${name}`, `type ${column.kind} cannot be a key; use int32, int64 or text`);
    if (column.isNullable) problems.add(`${path}.key.${name}`, 'a key cannot be null');
  }
  if (!Number.isInteger(entity.partitions) || entity.partitions < 1 || entity.partitions > 1000) {
    problems.add(`${path}.partitions`, `is ${entity.partitions}; it must be a whole number from 1 to 1000`);
  }
  if (!Number.isInteger(entity.generation) || entity.generation < 1) {
    problems.add(`${path}.generation`, `is ${entity.generation}; it must be a whole number from 1`);
  }
}

export function checkTable(table: Table, path: string, problems: Problems): void {
  const names = Object.keys(table.columns);
  if (!/^[^.]+\.[^.]+$/.test(table.name))
    problems.add(path, `"${table.name}" must be schema.table, such as public.transactions`);
  for (const name of names.filter((name) => inputHandleNames.includes(name)))
    problems.add(`${path}.columns.${name}`, 'this name is reserved');
  if (table.primaryKey.length === 0)
    problems.add(`${path}.primaryKey`, 'is empty; without it rows cannot be told apart');
  for (const name of table.primaryKey.filter((name) => !names.includes(name))) {
    problems.add(`${path}.primaryKey`, `no column "${name}"; the table declares ${names.join(', ')}`);
  }
  for (const name of table.primaryKey.filter((name) => table.columns[name]?.isNullable === true)) {
    problems.add(`${path}.primaryKey`, `column "${name}" may be null; rows without it could not be told apart`);
  }
  for (const [name, { type }] of Object.entries(table.columns)) {
    const problem = typeProblem(type);
    if (problem !== null) problems.add(`${path}.columns.${name}`, problem);
  }
  for (const [name, node] of Object.entries(table.derived)) {
    const at = `${path}.derived.${name}`;
    if (names.includes(name)) problems.add(at, 'the table has a column of this name already; choose another');
    if (inputHandleNames.includes(name) || !identifier.test(name))
      problems.add(at, 'the name must start with a letter and be letters, digits and _, and not inputName or timed');
    problems.attempt(at, () => compile(node, { of: 'table', columns: columnsOf(table) }));
  }
  if (table.time !== null) checkEventTime(table.columns[table.time.event], table.time.event, names, path, problems);
}

const columnsOf = (table: Table): { name: string; type: ColumnType }[] =>
  Object.entries(table.columns).map(([name, { type }]) => ({ name, type }));

function typeProblem(type: ColumnType): string | null {
  const within = (value: number, low: number, high: number): boolean =>
    Number.isInteger(value) && value >= low && value <= high;
  if (type.kind === 'decimal' && !(within(type.precision, 1, 131_072) && within(type.scale, 0, type.precision))) {
    return `decimal(${type.precision}, ${type.scale}) is not possible: the scale is a whole number from 0 to the precision`;
  }
  if (type.kind === 'timestamp' && !within(type.precision, 0, 6)) {
    return `timestamp(${type.precision}) is not possible: the precision is a whole number from 0 to 6`;
  }
  return null;
}

function checkEventTime(
  column: Column | undefined,
  name: string,
  names: readonly string[],
  path: string,
  problems: Problems,
): void {
  const at = `${path}.time.event`;
  if (column === undefined) problems.add(at, `no column "${name}"; the table declares ${names.join(', ')}`);
  else if (column.kind !== 'timestamp' && column.kind !== 'timestamptz')
    problems.add(at, `column "${name}" is ${column.kind}, not a timestamp`);
  else if (column.isNullable) problems.add(at, `column "${name}" may be null; an event time may not`);
}

export function checkInput(
  input: Input,
  table: TablePlan,
  key: readonly KeyField[],
  path: string,
  problems: Problems,
): void {
  for (const field of key) {
    const name = input.by[field.name];
    const column = table.columns.find((candidate) => candidate.name === name);
    if (name === undefined) problems.add(path, `says no column for the key field "${field.name}"`);
    else if (column === undefined) problems.add(`${path}.${field.name}`, `no column "${name}" in table ${table.name}`);
    else if (column.type.kind !== field.kind) {
      problems.add(`${path}.${field.name}`, `column "${name}" is ${column.type.kind}, the key field is ${field.kind}`);
    }
  }
  const surplus = Object.keys(input.by).filter((name) => !key.some((field) => field.name === name));
  for (const name of surplus) problems.add(`${path}.${name}`, 'is not a field of the entity key');
}

export function checkView(view: FeatureView, path: string, problems: Problems): void {
  if (!identifier.test(view.name)) problems.add(path, `the view name "${view.name}" must be letters, digits and _`);
  if (Object.keys(view.inputs).length === 0) problems.add(`${path}.from`, 'is empty');
  if (Object.keys(view.features).length === 0) problems.add(`${path}.features`, 'is empty');
  for (const name of Object.keys(view.derived)) {
    if (Object.hasOwn(view.features, name))
      problems.add(`${path}.derive.${name}`, 'the view has a feature of this name already; choose another');
  }
}

/** A window has a size, and its parts fit into it. */
export function checkWindow(window: Window, path: string, problems: Problems): void {
  const at = `${path}.over`;
  const within = (what: string, length_us: number): void => {
    if (!(length_us >= leastWindow_us && length_us <= longestWindow_us))
      problems.add(at, `the ${what} must be from 1s to 400d`);
  };
  switch (window.kind) {
    case 'unbounded':
      return;
    case 'session':
      within('gap', window.gap_us);
      return;
    case 'tumbling':
      within('window size', window.size_us);
      return;
    case 'hopping':
      within('window size', window.size_us);
      within('hop', window.hop_us);
      if (window.size_us % window.hop_us !== 0) problems.add(at, 'the window size must be a multiple of the hop');
      return;
    case 'sliding':
      within('window size', window.size_us);
      within('resolution', window.resolution_us);
      if (window.resolution_us > window.size_us)
        problems.add(at, 'the resolution must not be longer than the window size');
      return;
    default:
      problems.add(at, 'is no window; take tumbling, hopping, sliding, session or unbounded');
  }
}

/** Columns that every Parquet file has beside key and features. */
const parquetColumns = ['event_timestamp', 'created_timestamp'];

export function checkFeatureName(name: string, key: readonly KeyField[], path: string, problems: Problems): void {
  if (!identifier.test(name)) {
    const rule =
      'a feature name must start with a letter and be letters, digits and _ (a leading _ is for bookkeeping)';
    problems.add(path, rule);
  }
  if (parquetColumns.includes(name) || key.some((field) => field.name === name)) {
    problems.add(path, 'the Parquet files have a column of this name already; choose another');
  }
}

/** Values of two views may live in one online hash, but not in one field. */
export function checkOnlineFields(views: readonly (readonly [string, FeatureView])[], problems: Problems): void {
  const owners = new Map<string, readonly [string, FeatureView]>();
  for (const [exported, view] of views) {
    for (const name of [...Object.keys(view.features), ...Object.keys(view.derived)]) {
      const field = JSON.stringify([view.onlineKey, name]);
      const owner = owners.get(field);
      if (owner === undefined) owners.set(field, [exported, view]);
      else if (owner[1].name !== view.name) {
        problems.add(`${exported}.features.${name}`, `${owner[0]} stores this field under the same online key already`);
      }
    }
  }
}

/** One topic is read one way, whichever entities read it. */
export function checkSharedTables(entities: readonly EntityPlan[], problems: Problems): void {
  const known = new Map<string, { readonly text: string; readonly entity: string }>();
  for (const { name, tables } of entities) {
    for (const table of tables) {
      const text = JSON.stringify(table);
      const first = known.get(table.topic);
      if (first === undefined) known.set(table.topic, { text, entity: name });
      else if (first.text !== text) {
        problems.add(
          `table ${table.name}`,
          `entities ${first.entity} and ${name} define it differently; define it once and use it in all views`,
        );
      }
    }
  }
}

interface NamedFunction {
  readonly compute: CustomNode['compute'];
  readonly path: string;
}

/**
 * The name of a custom function stands for it in versions, and in what features share: two must not have the same. Functions of one text
 * are one function, so that a helper may make it again; what each has closed over is not seen.
 */
export function checkCustomFunctions(views: readonly (readonly [string, FeatureView])[], problems: Problems): void {
  const known = new Map<string, NamedFunction>();
  const check = (path: string, node: ExpressionNode | null): void => {
    for (const each of node === null ? [] : nodesOf(node)) {
      if (each.op !== 'custom') continue;
      const { name, compute } = each;
      const first = known.get(name);
      if (first === undefined) known.set(name, { compute, path });
      else if (first.compute !== compute && String(first.compute) !== String(compute)) {
        problems.add(
          path,
          `another custom function is called "${name}", in ${first.path}; the name stands for what it computes: give one of them another`,
        );
      }
    }
  };
  // A definitions file is not type-checked when it is loaded: what is no feature and no expression is refused elsewhere.
  for (const [exported, { features, derived }] of views) {
    for (const [name, feature] of Object.entries(features)) {
      const { aggregate } = feature as Partial<typeof feature>;
      check(`${exported}.features.${name}`, aggregate?.value ?? null);
      check(`${exported}.features.${name}.where`, aggregate?.where ?? null);
    }
    for (const [name, expression] of Object.entries(derived)) {
      const { node } = expression as Partial<typeof expression>;
      check(`${exported}.derive.${name}`, node ?? null);
    }
  }
}
