/** The entity log's format: row changes, marks and ticks. `docs/frames.md` describes it. */
import { MillraceError } from '../errors.ts';
import type { EntityPlan, Row } from '../define/plan.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { readRow, writeRow } from './row-codec.ts';

const rowFrameVersion = 1;

/** How far time has come in a source partition, microseconds; −∞ until it is known. */
export interface Marks {
  /** Decides lateness: no row that is older is waited for. */
  readonly data_us: number;
  /** Decides T and timers: the data mark, or the clock while the partition is caught up and idle. */
  readonly clock_us: number;
}

/** A source partition, as frames name it: metadata at start may differ, what is written here does not. */
export interface SourceId {
  /** Index into {@link EntityPlan.tables}. */
  readonly table: number;
  /** 32 hexadecimal digits. */
  readonly topicId: string;
  readonly partition: number;
  readonly partitionCount: number;
}

export const operations = ['c', 'u', 'd', 'r'] as const;
/** Insert, update, delete, snapshot read. */
export type Operation = (typeof operations)[number];

/** {@link RowEntry.routes}: the before image of a table's n-th input. */
export const beforeBit = (input: number): number => 1 << (2 * input);
/** {@link RowEntry.routes}: the after image of a table's n-th input. */
export const afterBit = (input: number): number => 2 << (2 * input);
/** The before bits of all inputs; the after bits stand one higher. A table has at most twelve inputs. */
export const beforeBits = 0x555555;

/** One source row's change, as far as one entity partition is concerned. */
export interface RowEntry {
  readonly offset: number;
  readonly operation: Operation;
  readonly commit_us: number;
  readonly ingest_ms: number;
  /** Two bits for each input of the table: 1 the before image, 2 the after image concerns this entity partition. */
  readonly routes: number;
  /** Null unless a route needs it. */
  readonly before: Row | null;
  readonly after: Row | null;
}

export interface RowsFrame {
  readonly kind: 'rows';
  readonly source: SourceId;
  /** One life of the producer for this source partition; a greater one replaces it. */
  readonly session: number;
  /** Counts the session's frames for this entity partition, from 0. */
  readonly number: number;
  readonly marks: Marks;
  readonly rows: readonly RowEntry[];
}

/** The marks of all source partitions of one worker. */
export interface MarksFrame {
  readonly kind: 'marks';
  readonly sources: readonly { readonly source: SourceId; readonly marks: Marks }[];
}

/** Carries nothing: its position lets further timers fire. */
export interface TickFrame {
  readonly kind: 'tick';
}

export type EntityFrame = RowsFrame | MarksFrame | TickFrame;

const kinds = { rows: 1, marks: 2, tick: 3 } as const;

function start(out: ByteWriter, kind: number): void {
  out.u8(rowFrameVersion);
  out.u8(kind);
}

function writeSource(out: ByteWriter, entity: EntityPlan, source: SourceId, marks: Marks): void {
  out.varint(source.table);
  out.u32(entity.tables[source.table]!.columnSet);
  out.raw(Buffer.from(source.topicId, 'hex'));
  out.varint(source.partition);
  out.varint(source.partitionCount);
  out.f64(marks.data_us);
  out.f64(marks.clock_us);
}

export function encodeRowsFrame(entity: EntityPlan, frame: Omit<RowsFrame, 'kind'>): Buffer {
  const out = new ByteWriter(96 + frame.rows.length * 96);
  start(out, kinds.rows);
  writeSource(out, entity, frame.source, frame.marks);
  out.varint(frame.session);
  out.varint(frame.number);
  out.varint(frame.rows.length);
  const types = entity.tables[frame.source.table]!.columns.map((column) => column.type);
  let { offset, commit_us, ingest_ms } = { offset: 0, commit_us: 0, ingest_ms: 0 };
  for (const row of frame.rows) {
    out.varint(row.offset - offset);
    out.zigzag(row.commit_us - commit_us);
    out.zigzag(row.ingest_ms - ingest_ms);
    ({ offset, commit_us, ingest_ms } = row);
    out.varint(
      (row.routes * 4 + operations.indexOf(row.operation)) * 4 +
        (row.before === null ? 0 : 1) +
        (row.after === null ? 0 : 2),
    );
    if (row.before !== null) writeRow(out, row.before, types);
    if (row.after !== null) writeRow(out, row.after, types);
  }
  return out.take();
}

export function encodeMarksFrame(entity: EntityPlan, sources: MarksFrame['sources']): Buffer {
  const out = new ByteWriter(16 + sources.length * 48);
  start(out, kinds.marks);
  out.varint(sources.length);
  for (const { source, marks } of sources) writeSource(out, entity, source, marks);
  return out.take();
}

export function encodeTickFrame(): Buffer {
  return Buffer.from([rowFrameVersion, kinds.tick]);
}

/** @throws MillraceError `frame-unreadable` when the bytes are no such frame, or another version of the definition wrote them. */
export function decodeEntityFrame(bytes: Uint8Array, entity: EntityPlan): EntityFrame {
  const from = new ByteReader(bytes);
  try {
    const version = from.u8();
    if (version !== rowFrameVersion)
      throw new RangeError(`format version ${version}; this build reads ${rowFrameVersion}`);
    switch (from.u8()) {
      case kinds.rows:
        return readRows(from, entity);
      case kinds.marks:
        return { kind: 'marks', sources: Array.from({ length: from.varint() }, () => readSource(from, entity)) };
      case kinds.tick:
        return { kind: 'tick' };
      default:
        throw new RangeError('unknown kind of frame');
    }
  } catch (error) {
    throw new MillraceError(
      'frame-unreadable',
      `entity-log frame of entity ${entity.name}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function readSource(from: ByteReader, entity: EntityPlan): { source: SourceId; marks: Marks } {
  const table = from.varint();
  if (from.u32() !== entity.tables[table]?.columnSet) {
    throw new RangeError(
      'another version of the definition wrote it; raise the generation of the entity, or run that version',
    );
  }
  const topicId = Buffer.from(from.raw(16)).toString('hex');
  const source = { table, topicId, partition: from.varint(), partitionCount: from.varint() };
  return { source, marks: { data_us: from.f64(), clock_us: from.f64() } };
}

function readRows(from: ByteReader, entity: EntityPlan): RowsFrame {
  const { source, marks } = readSource(from, entity);
  const session = from.varint();
  const number = from.varint();
  const rows = new Array<RowEntry>(from.varint());
  const types = entity.tables[source.table]!.columns.map((column) => column.type);
  let { offset, commit_us, ingest_ms } = { offset: 0, commit_us: 0, ingest_ms: 0 };
  for (let i = 0; i < rows.length; i++) {
    offset += from.varint();
    commit_us += from.zigzag();
    ingest_ms += from.zigzag();
    const flags = from.varint();
    const operation = operations[(flags >> 2) & 3]!;
    const before = (flags & 1) === 0 ? null : readRow(from, types);
    const after = (flags & 2) === 0 ? null : readRow(from, types);
    rows[i] = { offset, operation, commit_us, ingest_ms, routes: Math.floor(flags / 16), before, after };
  }
  return { kind: 'rows', source, session, number, marks, rows };
}
