/** How feature rows stand in Parquet. `docs/parquet.md` describes it for readers. */
import type { SchemaElement } from 'hyparquet';
import type { ColumnType, Scalar, Value, ValueType } from '../define/column.ts';
import type { EntityPlan } from '../define/plan.ts';
import { formatDecimal } from '../define/value.ts';
import type { FrameView } from '../frames/feature-frame.ts';

/** A column: its schema, and what a value is written as. */
export interface ParquetColumn {
  readonly name: string;
  /** Itself first, then what is in it. */
  readonly elements: readonly SchemaElement[];
  readonly convert: (value: Value) => unknown;
}

const timestamp = {
  type: 'INT64',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
} as const;
/** A decimal of up to 38 digits fits into 16 bytes, the widest that readers agree on. */
const widestDecimal = 38;

const same = (value: Value): unknown => value;

function typeOf(type: ColumnType): { element: Omit<SchemaElement, 'name'>; convert: (value: Value) => unknown } {
  switch (type.kind) {
    case 'int64':
      return { element: { type: 'INT64' }, convert: same };
    case 'int32':
      return { element: { type: 'INT32' }, convert: same };
    case 'float64':
      return { element: { type: 'DOUBLE' }, convert: same };
    case 'boolean':
      return { element: { type: 'BOOLEAN' }, convert: same };
    case 'text':
      return { element: { type: 'BYTE_ARRAY', converted_type: 'UTF8' }, convert: same };
    case 'date':
      return { element: { type: 'INT32', converted_type: 'DATE' }, convert: same };
    case 'timestamp':
    case 'timestamptz':
      return { element: timestamp, convert: same };
    case 'decimal':
      return decimalType(type.precision, type.scale);
  }
}

function decimalType(precision: number, scale: number): ReturnType<typeof typeOf> {
  const decimal = { converted_type: 'DECIMAL', precision, scale } as const;
  if (precision <= 18) return { element: { type: 'INT64', ...decimal }, convert: same };
  if (precision <= widestDecimal)
    return { element: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, ...decimal }, convert: same };
  const convert = (value: Value): unknown => (value === null ? null : formatDecimal(value as bigint, scale));
  return { element: { type: 'BYTE_ARRAY', converted_type: 'UTF8' }, convert };
}

function column(name: string, type: ValueType, required: boolean): ParquetColumn {
  const repetition_type = required ? 'REQUIRED' : 'OPTIONAL';
  if (type.kind === 'list') return listColumn(name, type.element, repetition_type);
  const { element, convert } = typeOf(type);
  return { name, elements: [{ name, repetition_type, ...element }], convert };
}

/** The three levels that the format's specification names for lists, so that null and empty are told apart. */
function listColumn(name: string, type: ColumnType, repetition_type: 'REQUIRED' | 'OPTIONAL'): ParquetColumn {
  const { element, convert } = typeOf(type);
  const elements: SchemaElement[] = [
    { name, repetition_type, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'OPTIONAL', ...element },
  ];
  return { name, elements, convert: (value) => value && (value as readonly Scalar[]).map(convert) };
}

export interface ParquetColumns {
  readonly key: readonly ParquetColumn[];
  readonly features: readonly ParquetColumn[];
  readonly event: ParquetColumn;
  readonly created: ParquetColumn;
  readonly partition: ParquetColumn;
  readonly position: ParquetColumn;
}

/** Key columns, features, then `event_timestamp`, `created_timestamp`, `_partition`, `_position`. */
export function parquetColumns(entity: Pick<EntityPlan, 'key'>, view: FrameView): ParquetColumns {
  return {
    key: entity.key.map((field) => column(field.name, { kind: field.kind }, true)),
    features: view.features.map((feature) => column(feature.name, feature.type, false)),
    event: column('event_timestamp', { kind: 'timestamptz' }, true),
    created: column('created_timestamp', { kind: 'timestamptz' }, true),
    partition: column('_partition', { kind: 'int32' }, true),
    position: column('_position', { kind: 'int64' }, true),
  };
}
