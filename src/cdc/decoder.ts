/** Debezium's JSON envelopes, with and without schema, as row changes. Only declared columns are parsed. */
import type { Value } from '../define/column.ts';
import type { Row, TablePlan } from '../define/plan.ts';
import { infinity_us, minusInfinity_us } from '../define/value.ts';
import { RecordError, SourceStoppedError } from '../errors.ts';
import { columnDecoder, fieldError, Misfit, type ColumnDecoder } from './column-decoder.ts';
import { JsonCursor } from './json-cursor.ts';
import type { Decoded, RowChange } from './row-change.ts';

const earliest_us = BigInt(Date.UTC(2000, 0, 1)) * 1000n;
const latest_us = BigInt(Date.UTC(2100, 0, 1)) * 1000n;
const latestCommit_us = Number(latest_us);
/** What Debezium sends for a large value that an update did not change and that it does not know. */
const unavailable = '__debezium_unavailable_value';

/** The parts of an envelope that matter. */
interface Envelope {
  before: Value[] | null;
  after: Value[] | null;
  operation: string | null;
  commit_us: number | null;
  snapshot: string;
  sequence: readonly [bigint, bigint];
  lsn: bigint;
}

/** Keys in the order in which this table's records last had them. */
interface Learned {
  readonly envelope: string[];
  readonly payload: string[];
  readonly source: string[];
  readonly row: string[];
}

/**
 * A decoder for the records of one table. Its errors do not name the record: the caller knows topic, partition and offset.
 * - RecordError `record-undecodable`: not an envelope, or a value that does not fit its declared type.
 * - RecordError `row-unusable`: an update or delete without its full before image, an event time that cannot be.
 * - SourceStoppedError: TRUNCATE, or a declared column that the records do not have.
 */
export function createDecoder(table: TablePlan): (value: Uint8Array | null) => Decoded {
  const columns = new Map(table.columns.map((column, index) => [column.name, index]));
  const decoders = table.columns.map((column) => columnDecoder(column, table.encoding));
  const learned: Learned = { envelope: [], payload: [], source: [], row: [] };
  return (value) => {
    if (value === null) return { kind: 'tombstone' };
    const cursor = new JsonCursor(value);
    const envelope: Envelope = {
      before: null,
      after: null,
      operation: null,
      commit_us: null,
      snapshot: 'false',
      sequence: [0n, 0n],
      lsn: 0n,
    };
    takeEnvelope(cursor, envelope, { columns, decoders, learned, table }, false);
    cursor.end();
    return checked(table, envelope);
  };
}

interface Shape {
  readonly table: TablePlan;
  readonly columns: ReadonlyMap<string, number>;
  readonly decoders: readonly ColumnDecoder[];
  readonly learned: Learned;
}

function takeEnvelope(cursor: JsonCursor, envelope: Envelope, shape: Shape, isPayload: boolean): void {
  cursor.members(isPayload ? shape.learned.payload : shape.learned.envelope, (key) => {
    switch (key) {
      case 'before':
      case 'after':
        envelope[key] = cursor.takeNull() ? null : takeRow(cursor, key, shape);
        break;
      case 'op':
        if (!cursor.takeNull()) envelope.operation = cursor.string();
        break;
      case 'source':
        if (!cursor.takeNull()) takeSource(cursor, envelope, shape.learned.source);
        break;
      case 'payload':
        if (isPayload) cursor.skip();
        else if (!cursor.takeNull()) takeEnvelope(cursor, envelope, shape, true);
        break;
      default:
        cursor.skip();
    }
  });
}

function takeRow(cursor: JsonCursor, image: 'before' | 'after', { columns, decoders, learned, table }: Shape): Value[] {
  const row = new Array<Value | undefined>(decoders.length).fill(undefined);
  cursor.members(learned.row, (key) => {
    const index = columns.get(key);
    if (index === undefined) {
      cursor.skip();
      return;
    }
    try {
      row[index] = decoders[index]!(cursor);
    } catch (error) {
      if (error instanceof Misfit || error instanceof RangeError) throw fieldError(`${image}.${key}`, error);
      throw error;
    }
  });
  const absent = row.indexOf(undefined);
  if (absent !== -1) throw columnAbsent(table, table.columns[absent]!.name, image);
  return row as Value[];
}

function takeSource(cursor: JsonCursor, envelope: Envelope, learned: string[]): void {
  let time_us = null as number | null;
  cursor.members(learned, (key) => {
    switch (key) {
      case 'ts_us':
        if (!cursor.takeNull()) envelope.commit_us = sourceTime(cursor, key, 1);
        break;
      case 'ts_ms':
        if (!cursor.takeNull()) time_us = sourceTime(cursor, key, 1000);
        break;
      case 'snapshot':
        if (!cursor.takeNull()) envelope.snapshot = cursor.peek() === 0x22 ? cursor.string() : String(cursor.boolean());
        break;
      case 'sequence':
        if (!cursor.takeNull()) envelope.sequence = parseSequence(cursor.string());
        break;
      case 'lsn':
        if (!cursor.takeNull()) envelope.lsn = BigInt(sourceNumber(cursor, key));
        break;
      default:
        cursor.skip();
    }
  });
  envelope.commit_us ??= time_us;
}

/** A whole number of up to 19 digits, as text. */
function sourceNumber(cursor: JsonCursor, field: string): string {
  const text = cursor.number();
  if (/^\d{1,19}$/.test(text)) return text;
  throw new RecordError('record-undecodable', `field source.${field} is ${text}, not a whole number`);
}

function sourceTime(cursor: JsonCursor, field: string, unit_us: number): number {
  const time_us = Number(sourceNumber(cursor, field)) * unit_us;
  if (time_us < latestCommit_us) return time_us;
  throw new RecordError('record-undecodable', `field source.${field} is past the year 2100`);
}

/** JSON text in a string: `[null,"33432888"]`; null counts as 0. */
function parseSequence(text: string): readonly [bigint, bigint] {
  const match = /^\[(?:null|"(\d+)"),(?:null|"(\d+)")\]$/.exec(text);
  if (match === null)
    throw new RecordError('record-undecodable', `field source.sequence is "${text}", not a pair of log positions`);
  return [BigInt(match[1] ?? 0), BigInt(match[2] ?? 0)];
}

function checked(table: TablePlan, envelope: Envelope): RowChange {
  const { before, after, operation, commit_us } = envelope;
  if (operation === 't') throw truncated(table);
  if (operation !== 'c' && operation !== 'u' && operation !== 'd' && operation !== 'r') {
    const what = operation === null ? 'has no op' : `has the unknown op "${operation}"`;
    throw new RecordError(
      'record-undecodable',
      `the record ${what}; it must be an unchanged Debezium envelope: remove transforms such as ExtractNewRecordState`,
    );
  }
  if (commit_us === null)
    throw new RecordError('record-undecodable', 'the record has no source.ts_us and no source.ts_ms');
  if (operation !== 'd' && after === null)
    throw new RecordError('record-undecodable', `the record has op "${operation}" but no after`);
  const retracts = operation === 'u' || operation === 'd';
  if (retracts) checkBefore(table, before, operation);
  if (operation !== 'd') checkImage(table, after!, 'after');
  const snapshot =
    envelope.snapshot === 'false' ? 'streamed' : envelope.snapshot === 'incremental' ? 'incremental' : 'initial';
  const { sequence, lsn } = envelope;
  return {
    kind: 'row',
    operation,
    before: retracts ? before : null,
    after: operation === 'd' ? null : after,
    commit_us,
    snapshot,
    sequence,
    lsn,
  };
}

/** A before image that is not the row as it was would take back something that was never there. */
function checkBefore(table: TablePlan, before: Row | null, operation: 'u' | 'd'): void {
  const name = operation === 'u' ? 'update' : 'delete';
  if (table.appendOnly) {
    const change =
      "keep the table's rows from being changed, or declare replicaIdentity: 'full' in place of appendOnly";
    throw new RecordError('row-unusable', `${article(name)} of ${table.name}, declared appendOnly: true: ${change}`);
  }
  const remedy = `ALTER TABLE ${table.name} REPLICA IDENTITY FULL, and declare the table with replicaIdentity: 'full'`;
  if (table.replicaIdentity !== 'full') {
    throw new RecordError(
      'row-unusable',
      `${article(name)} of ${table.name} cannot be retracted: the table is not declared replicaIdentity: 'full'. ${remedy}`,
    );
  }
  if (before === null) {
    throw new RecordError(
      'row-unusable',
      `${article(name)} of ${table.name} has no before image: the table's replica identity is not full. ${remedy}`,
    );
  }
  const eventTime = table.time === null ? undefined : before[table.time.column];
  if (eventTime === 0n || eventTime === null) {
    throw new RecordError(
      'row-unusable',
      `${article(name)} of ${table.name} has a made-up before image (event time ${eventTime === null ? 'null' : '1970-01-01'}): the table's replica identity was not full. ${remedy}`,
    );
  }
  checkImage(table, before, 'before');
}

const article = (name: string): string => (name === 'update' ? `an ${name}` : `a ${name}`);

function checkImage(table: TablePlan, row: Row, image: 'before' | 'after'): void {
  const hidden = row.indexOf(unavailable);
  if (hidden !== -1) {
    throw new RecordError(
      'row-unusable',
      `field ${image}.${table.columns[hidden]!.name} is not in the record (a large value that did not change). ALTER TABLE ${table.name} REPLICA IDENTITY FULL`,
    );
  }
  if (table.time === null) return;
  const field = `${image}.${table.columns[table.time.column]!.name}`;
  const eventTime = row[table.time.column] as bigint;
  if (eventTime === infinity_us || eventTime === minusInfinity_us) {
    throw new RecordError('row-unusable', `field ${field} is infinite; an event time must be finite`);
  }
  if (eventTime < earliest_us || eventTime >= latest_us) {
    throw new RecordError(
      'row-unusable',
      `field ${field} is ${eventTime} µs since 1970, outside the years 2000 to 2099; ` +
        `the connector's time.precision.mode is probably not '${table.encoding.times}', as debezium({ times }) says, or the declared timestamp precision is not the database's`,
    );
  }
}

function truncated(table: TablePlan): SourceStoppedError {
  return new SourceStoppedError(
    'source-stopped',
    `TRUNCATE of ${table.name}: its rows are gone, and one partition alone cannot say which. Raise the generation of the entity to rebuild from a new snapshot, ` +
      'and use DELETE instead of TRUNCATE',
  );
}

function columnAbsent(table: TablePlan, column: string, image: string): SourceStoppedError {
  return new SourceStoppedError(
    'source-stopped',
    `column "${column}" of ${table.name} is absent from ${image} (absent is not null): it was dropped, renamed, excluded by the connector, is generated, or is misspelt in the definition`,
  );
}

/**
 * A heartbeat's time, milliseconds; null when the record is none.
 * @example decodeHeartbeat(Buffer.from('{"ts_ms":1795403313517}')) // 1795403313517
 */
export function decodeHeartbeat(value: Uint8Array | null): number | null {
  if (value === null) return null;
  const match = /"ts_ms"\s*:\s*(\d+)/.exec(Buffer.from(value).toString('latin1'));
  return match === null ? null : Number(match[1]);
}
