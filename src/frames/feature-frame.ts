/** The feature log's format: values of one view, packed many to a record. `docs/frames.md` describes it. */
import { MillraceError } from '../errors.ts';
import type { Value, ValueType } from '../define/column.ts';
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { readRow, writeRow } from './row-codec.ts';

const featureFrameVersion = 1;

/** One value of a view: what was emitted for a key at a position. */
export interface FeatureRow {
  /** The entity key's text, see `define/key.ts`. */
  readonly key: string;
  /** The entity-log offset that produced it. */
  readonly position: number;
  /** T, microseconds. */
  readonly asOf_us: number;
  /** When it, or the newer value that replaced it first, became visible online, microseconds. */
  readonly created_us: number;
  /** A value for each feature of the view. */
  readonly values: readonly Value[];
}

/** What the format needs of a view: data alone, so that it goes to another thread too. */
export interface FrameView {
  readonly name: string;
  readonly index: number;
  readonly hash: string;
  readonly features: readonly { readonly name: string; readonly type: ValueType }[];
}

export interface FrameEntity<View extends FrameView> {
  readonly name: string;
  readonly views: readonly View[];
}

export interface FeatureFrame<View extends FrameView = ViewPlan> {
  readonly view: View;
  readonly generation: number;
  readonly rows: readonly FeatureRow[];
}

/** The view's version as it stands in frames. */
const versionOf = ({ hash }: FrameView): number => parseInt(hash.slice(0, 8), 16);

/** @param rows in the order of their positions. */
export function encodeFeatureFrame(view: FrameView, generation: number, rows: readonly FeatureRow[]): Buffer {
  const out = new ByteWriter(64 + rows.length * 48);
  const types = view.features.map((feature) => feature.type);
  out.u8(featureFrameVersion);
  out.varint(view.index);
  out.u32(versionOf(view));
  out.varint(generation);
  out.varint(rows.length);
  let position = 0;
  for (const row of rows) {
    out.text(row.key);
    out.varint(row.position - position);
    position = row.position;
    out.f64(row.asOf_us);
    out.f64(row.created_us);
    writeRow(out, row.values, types);
  }
  return out.take();
}

/** What a feature frame holds, without its values. */
export interface FeatureFrameSummary {
  readonly view: ViewPlan;
  readonly generation: number;
  readonly rows: number;
  /** T of the first row, microseconds. */
  readonly firstAsOf_us: number;
}

/** @throws MillraceError `frame-unreadable` as {@link decodeFeatureFrame} does. */
export function summarizeFeatureFrame(bytes: Uint8Array, entity: EntityPlan): FeatureFrameSummary {
  return reading(entity, () => {
    const from = new ByteReader(bytes);
    const { view, generation } = readHeader(from, entity);
    const rows = from.varint();
    from.text();
    from.varint();
    return { view, generation, rows, firstAsOf_us: from.f64() };
  });
}

/** @throws MillraceError `frame-unreadable` when the bytes are no such frame, or another version of the definition wrote them. */
export function decodeFeatureFrame<View extends FrameView>(
  bytes: Uint8Array,
  entity: FrameEntity<View>,
): FeatureFrame<View> {
  return reading(entity, () => {
    const from = new ByteReader(bytes);
    const { view, generation } = readHeader(from, entity);
    const types = view.features.map((feature) => feature.type);
    const rows = new Array<FeatureRow>(from.varint());
    let position = 0;
    for (let i = 0; i < rows.length; i++) {
      const key = from.text();
      position += from.varint();
      rows[i] = { key, position, asOf_us: from.f64(), created_us: from.f64(), values: readRow(from, types) };
    }
    return { view, generation, rows };
  });
}

function readHeader<View extends FrameView>(
  from: ByteReader,
  entity: FrameEntity<View>,
): { view: View; generation: number } {
  const version = from.u8();
  if (version !== featureFrameVersion)
    throw new RangeError(`format version ${version}; this build reads ${featureFrameVersion}`);
  const view = entity.views[from.varint()];
  if (view === undefined || from.u32() !== versionOf(view)) {
    throw new RangeError(
      'another version of the definition wrote it; raise the generation of the entity, or run that version',
    );
  }
  return { view, generation: from.varint() };
}

function reading<T>(entity: FrameEntity<FrameView>, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new MillraceError('frame-unreadable', `feature frame of entity ${entity.name}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
