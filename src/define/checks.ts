/** The faults that a definition can have beyond its types, one check per thing that is defined. */
import type { Column } from './column.ts';
import type { Entity } from './entity.ts';
import type { KeyField } from './key.ts';
import type { TablePlan } from './plan.ts';
import type { Problems } from './problems.ts';
import type { Input, Table } from './table.ts';
import type { FeatureView } from './view.ts';

const identifier = /^[A-Za-z][A-Za-z0-9_]*$/;
const topicPart = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
/** Names that an input's handle uses itself. */
const reservedColumns = ['inputName', 'timed'];

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
  for (const name of names.filter((name) => reservedColumns.includes(name)))
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
    if (
      type.kind === 'decimal' &&
      !(type.precision >= 1 && type.precision <= 131072 && type.scale >= 0 && type.scale <= type.precision)
    ) {
      problems.add(
        `${path}.columns.${name}`,
        `decimal(${type.precision}, ${type.scale}) is not possible: scale must be from 0 to precision`,
      );
    }
    if (type.kind === 'timestamp' && !(type.precision >= 0 && type.precision <= 6)) {
      problems.add(
        `${path}.columns.${name}`,
        `timestamp(${type.precision}) is not possible: the precision is from 0 to 6`,
      );
    }
  }
  if (table.time !== null) checkEventTime(table.columns[table.time.event], table.time.event, names, path, problems);
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
}

export function checkFeatureName(name: string, path: string, problems: Problems): void {
  if (!identifier.test(name))
    problems.add(
      path,
      'a feature name must start with a letter and be letters, digits and _ (a leading _ is for bookkeeping)',
    );
}
