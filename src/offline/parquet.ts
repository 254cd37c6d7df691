/** Feature rows as Parquet files, and the footer that says which part of the feature log a file holds. */
import { parquetMetadata } from 'hyparquet';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { parseKey } from '../define/key.ts';
import type { EntityPlan } from '../define/plan.ts';
import { MillraceError } from '../errors.ts';
import type { FeatureRow, FrameEntity, FrameView } from '../frames/feature-frame.ts';
import { parquetColumns, type ParquetColumn } from './parquet-schema.ts';

const rowGroupRows = 20_000;

/** Which feature-log records a file holds, both ends included. */
export interface FileRange {
  readonly first: number;
  readonly last: number;
}

/** What files need of an entity: data alone, so that it goes to another thread too. */
export interface FileEntity extends FrameEntity<FrameView> {
  readonly generation: number;
  readonly key: EntityPlan['key'];
}

export interface ParquetFile extends FileRange {
  readonly entity: FileEntity;
  readonly view: FrameView;
  readonly generation: number;
  readonly partition: number;
  readonly rows: readonly FeatureRow[];
}

export function encodeParquet(file: ParquetFile): Uint8Array {
  const { entity, view, rows, partition } = file;
  const columns = parquetColumns(entity, view);
  const keys = rows.map((row) => parseKey(row.key, entity.key));
  const data: { column: ParquetColumn; values: unknown[] }[] = [
    ...columns.key.map((column, i) => ({ column, values: keys.map((key) => key[i]!) })),
    ...columns.features.map((column, i) => ({ column, values: rows.map((row) => column.convert(row.values[i]!)) })),
    { column: columns.event, values: rows.map((row) => BigInt(row.asOf_us)) },
    { column: columns.created, values: rows.map((row) => BigInt(row.created_us)) },
    { column: columns.partition, values: rows.map(() => partition) },
    { column: columns.position, values: rows.map((row) => BigInt(row.position)) },
  ];
  const writer = new ByteWriter();
  void parquetWrite({
    writer,
    columnData: data.map(({ column, values }) => ({
      name: column.name,
      data: values,
      statistics: !(column.elements.some(({ type }) => type === 'DOUBLE') && values.some(hasNaN)),
    })),
    schema: [{ name: 'root', num_children: data.length }, ...data.flatMap(({ column }) => column.elements)],
    rowGroupSize: rowGroupRows,
    createdBy: 'millrace',
    kvMetadata: metadataOf(file),
  });
  return writer.getBytes();
}

/** Statistics leave NaN out, and DuckDB, which counts it as the largest number, then passes over a row group that has it. */
const hasNaN = (value: unknown): boolean => Number.isNaN(value) || (Array.isArray(value) && value.some(hasNaN));

function metadataOf({ first, last, view, generation }: ParquetFile): { key: string; value: string }[] {
  const entries = { first_offset: first, last_offset: last, view: view.name, view_version: view.hash, generation };
  return Object.entries(entries).map(([name, value]) => ({ key: `millrace.${name}`, value: String(value) }));
}

/** @throws MillraceError `object-store-unfit` when the object is no file of {@link encodeParquet}. */
export function readRange(name: string, bytes: Uint8Array): FileRange {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  try {
    const metadata = new Map((parquetMetadata(buffer).key_value_metadata ?? []).map(({ key, value }) => [key, value]));
    const range = {
      first: Number(metadata.get('millrace.first_offset')),
      last: Number(metadata.get('millrace.last_offset')),
    };
    if (!Number.isSafeInteger(range.first) || !Number.isSafeInteger(range.last))
      throw new RangeError('its footer names no offsets');
    return range;
  } catch (error) {
    const why = (error as Error).message;
    throw new MillraceError(
      'object-store-unfit',
      `${name} is no Parquet file of Millrace (${why}); move it away from the prefix`,
      { cause: error },
    );
  }
}
