/** What is kept of one key of a view, and its bytes: in the changelog and on the local disk. `docs/frames.md` describes them. */
import type { ColumnType, Scalar, Value, ValueType } from '../define/column.ts';
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { ByteReader, type ByteWriter } from '../frames/bytes.ts';
import { readRow, writeRow } from '../frames/row-codec.ts';
import { PaneSeries } from './windows/pane-series.ts';
import type { Series, ViewRow } from './windows/series.ts';
import { SessionSeries } from './windows/session-series.ts';
import type { SeriesLayout } from './windows/view-layout.ts';

/** The newest value that was given out for a key. */
export interface Published {
  /** The position of the frame that gave it out; −1 before the first. */
  readonly position: number;
  /** T of that value, microseconds. */
  readonly asOf_us: number;
  /** Null where the state says it: in views that give out every change. */
  readonly values: readonly Value[] | null;
}

export const neverPublished: Published = { position: -1, asOf_us: -Infinity, values: null };

export interface KeyState {
  /** The newest insertion's reach; T without the clock. */
  rowTime_us: number;
  /** In the order of the view's layout; null while it holds no row. */
  readonly series: (Series | null)[];
  /** Rows ahead of T, in the order of (event time, primary key, input). */
  readonly held: ViewRow[];
  timer_us: number;
  /** The entry of the timers' heap that stands for it, never later than it; ∞ when there is none. */
  armed_us: number;
  published: Published;
  /** Since the last look for keys that are not used; not by the frames that brought it. */
  isUsed: boolean;
  /** How many takes there had been when it came into memory. */
  cameIn: number;
  /** The take that has its newest change. */
  takenIn: number;
  /** About what it takes in memory. */
  size_bytes: number;
  /** The timer that the disk has of it, as of the newest take; −2^63 in front of all, ∞ unknown, NaN when there is none. */
  noted_us: number;
  /** The values are not those that were given out last. */
  isPending: boolean;
  /** T is held back at the end of a window that has to be given out first: views that give out closed windows. */
  isHeldBack: boolean;
  /** A window that has closed in this frame: its last values. Not written, since every frame gives it out. */
  closed: { readonly asOf_us: number; readonly values: Value[] } | null;
}

export function emptyState(layouts: readonly SeriesLayout[], published: Published): KeyState {
  return {
    rowTime_us: -Infinity,
    series: layouts.map(() => null),
    held: [],
    timer_us: Infinity,
    armed_us: Infinity,
    published,
    isUsed: false,
    cameIn: 0,
    takenIn: 0,
    size_bytes: 0,
    noted_us: NaN,
    isPending: false,
    isHeldBack: false,
    closed: null,
  };
}

export function createSeries(layout: SeriesLayout): Series {
  return layout.kind === 'panes' ? new PaneSeries(layout) : new SessionSeries(layout);
}

const version = 5;
const kinds = { empty: 0, state: 1 } as const;
const flags = { pending: 1, heldBack: 2, values: 4 } as const;

/** How the states of a view are written. */
export class KeyStateCodec {
  private readonly layouts: readonly SeriesLayout[];
  private readonly featureTypes: readonly ValueType[];
  /** Per input, the types of its columns and those of its primary key. */
  private readonly inputs: readonly {
    readonly columns: readonly ColumnType[];
    readonly primaryKey: readonly number[];
  }[];

  constructor(entity: EntityPlan, view: ViewPlan, layouts: readonly SeriesLayout[]) {
    this.layouts = layouts;
    this.featureTypes = view.features.map(({ type }) => type);
    this.inputs = entity.inputs.map(({ table }) => {
      const { columns, primaryKey } = entity.tables[table]!;
      return { columns: columns.map(({ type }) => type), primaryKey };
    });
  }

  /** Of a key that holds nothing any more: what stands online for it is known all the same. */
  writeEmptied(out: ByteWriter, published: Published): void {
    out.u8(version);
    out.u8(kinds.empty);
    this.writePublished(out, published, 0);
  }

  write(out: ByteWriter, state: KeyState): void {
    out.u8(version);
    out.u8(kinds.state);
    const { isPending, isHeldBack, published } = state;
    out.f64(state.timer_us);
    out.f64(state.rowTime_us);
    this.writePublished(out, published, (isPending ? flags.pending : 0) | (isHeldBack ? flags.heldBack : 0));
    for (const series of state.series) {
      out.u8(series === null ? 0 : 1);
      series?.write(out);
    }
    out.varint(state.held.length);
    for (const row of state.held) this.writeHeld(out, row);
  }

  /** @returns the state, or what was published last of a key that holds nothing. @throws RangeError when the bytes are neither. */
  read(from: ByteReader): { readonly state: KeyState | null; readonly published: Published } {
    if (readKind(from) === kinds.empty) return { state: null, published: this.readPublished(from).published };
    const [timer_us, rowTime_us] = [from.f64(), from.f64()];
    const { published, set } = this.readPublished(from);
    const state = Object.assign(emptyState(this.layouts, published), { timer_us, rowTime_us });
    state.isPending = (set & flags.pending) !== 0;
    state.isHeldBack = (set & flags.heldBack) !== 0;
    this.layouts.forEach((layout, i) => {
      if (from.u8() === 0) return;
      const series = createSeries(layout);
      series.read(from);
      state.series[i] = series;
    });
    for (let rest = from.varint(); rest > 0; rest--) state.held.push(this.readHeld(from));
    return { state, published };
  }

  private writePublished(out: ByteWriter, { position, asOf_us, values }: Published, set: number): void {
    out.u8(set | (values === null ? 0 : flags.values));
    out.varint(position + 1);
    out.f64(asOf_us);
    if (values !== null) writeRow(out, values, this.featureTypes);
  }

  private readPublished(from: ByteReader): { published: Published; set: number } {
    const set = from.u8();
    const position = from.varint() - 1;
    const asOf_us = from.f64();
    const values = (set & flags.values) === 0 ? null : readRow(from, this.featureTypes);
    return { published: { position, asOf_us, values }, set };
  }

  private writeHeld(out: ByteWriter, { input, eventTime_us, reach_us, row }: ViewRow): void {
    out.varint(input);
    out.f64(eventTime_us);
    out.f64(reach_us);
    writeRow(out, row, this.inputs[input]!.columns);
  }

  private readHeld(from: ByteReader): ViewRow {
    const input = from.varint();
    const [eventTime_us, reach_us] = [from.f64(), from.f64()];
    const { columns, primaryKey } = this.inputs[input]!;
    const row = readRow(from, columns);
    return { input, eventTime_us, reach_us, row, primaryKey: primaryKey.map((column) => row[column] as Scalar) };
  }
}

/** When the timer of a state is due, ∞ when it has none; null for a key that holds nothing. @throws RangeError when it is no such bytes. */
export function timerOf(value: Uint8Array): number | null {
  const from = new ByteReader(value);
  return readKind(from) === kinds.empty ? null : from.f64();
}

/** @throws RangeError when another build wrote it. */
function readKind(from: ByteReader): number {
  const found = from.u8();
  if (found !== version) throw new RangeError(`state version ${found}; this build reads ${version}`);
  return from.u8();
}
