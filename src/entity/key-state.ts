/** What is kept of one key of a view, and its bytes: in the changelog and on the local disk. `docs/frames.md` describes them. */
import type { EntityPlan, Row } from '../define/plan.ts';
import type { ByteReader, ByteWriter } from '../frames/bytes.ts';
import { readRow, writeRow } from '../frames/row-codec.ts';
import { TumblingPane, type WindowGroup } from './windows/tumbling.ts';

/** A row as a view sees it. */
export interface ViewRow {
  readonly input: number;
  readonly row: Row;
  readonly eventTime_us: number;
  /** How far the row may move T: min(event time, commit time + maxAhead), microseconds. */
  readonly reach_us: number;
  /** Tells rows of one input apart. */
  readonly primaryKey: string;
}

/** The newest value that was emitted for a key. */
export interface Published {
  /** The position of the frame that emitted it; −1 before the first. */
  readonly position: number;
  /** T of that value, microseconds. */
  readonly asOf_us: number;
}

export const neverPublished: Published = { position: -1, asOf_us: -Infinity };

export interface KeyState {
  /** The newest insertion's reach; T without the clock. */
  rowTime_us: number;
  readonly panes: (TumblingPane | null)[];
  /** Rows ahead of T, in the order of (event time, primary key, input). */
  readonly held: ViewRow[];
  timer_us: number;
  published: Published;
}

const version = 1;
const kinds = { empty: 0, state: 1 } as const;

/** Of a key that holds nothing any more: what stands online for it is known all the same. */
export function writeEmptied(out: ByteWriter, published: Published): void {
  out.u8(version);
  out.u8(kinds.empty);
  writePublished(out, published);
}

export function writeKeyState(out: ByteWriter, entity: EntityPlan, state: KeyState): void {
  out.u8(version);
  out.u8(kinds.state);
  writePublished(out, state.published);
  out.f64(state.rowTime_us);
  out.f64(state.timer_us);
  for (const pane of state.panes) {
    out.u8(pane === null ? 0 : 1);
    pane?.write(out);
  }
  out.varint(state.held.length);
  for (const { input, row, eventTime_us, reach_us, primaryKey } of state.held) {
    out.varint(input);
    out.f64(eventTime_us);
    out.f64(reach_us);
    out.text(primaryKey);
    writeRow(out, row, columnTypes(entity, input));
  }
}

/** @returns the state, or what was published last of a key that holds nothing. @throws RangeError when the bytes are neither. */
export function readKeyState(
  from: ByteReader,
  entity: EntityPlan,
  groups: readonly WindowGroup[],
): { readonly state: KeyState | null; readonly published: Published } {
  const found = from.u8();
  if (found !== version) throw new RangeError(`state version ${found}; this build reads ${version}`);
  const kind = from.u8();
  const published = { position: from.varint() - 1, asOf_us: from.f64() };
  if (kind === kinds.empty) return { state: null, published };
  const state = {
    rowTime_us: from.f64(),
    timer_us: from.f64(),
    panes: groups.map((group) => (from.u8() === 0 ? null : TumblingPane.read(from, group))),
    held: Array.from({ length: from.varint() }, () => readHeld(from, entity)),
    published,
  };
  return { state, published };
}

function readHeld(from: ByteReader, entity: EntityPlan): ViewRow {
  const input = from.varint();
  const [eventTime_us, reach_us, primaryKey] = [from.f64(), from.f64(), from.text()];
  return { input, eventTime_us, reach_us, primaryKey, row: readRow(from, columnTypes(entity, input)) };
}

function writePublished(out: ByteWriter, { position, asOf_us }: Published): void {
  out.varint(position + 1);
  out.f64(asOf_us);
}

const columnTypes = (entity: EntityPlan, input: number): EntityPlan['tables'][number]['columns'][number]['type'][] =>
  entity.tables[entity.inputs[input]!.table]!.columns.map((column) => column.type);
