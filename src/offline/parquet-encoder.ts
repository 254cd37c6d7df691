/**
 * The ParquetEncoder port: feature-log records in, the bytes of a file out. In a thread of its own in production, since a large file takes
 * hundreds of milliseconds, for which rows would wait; in the calling one in embedded mode and simulation.
 */
import { decodeFeatureFrame, type FrameView } from '../frames/feature-frame.ts';
import { encodeParquet, type FileEntity, type FileRange } from './parquet.ts';

export interface EncodeRequest extends FileRange {
  readonly entity: FileEntity;
  readonly view: FrameView;
  readonly partition: number;
  /** Feature-log records of the view, in order. */
  readonly records: readonly Uint8Array[];
}

export interface ParquetEncoder {
  /** @throws MillraceError `frame-unreadable`; FatalError `encoder-lost` when there is nobody to do it any more. */
  encode(request: EncodeRequest): Promise<Uint8Array>;
  /** What is under way is given up. */
  close(): Promise<void>;
}

/** @throws MillraceError `frame-unreadable` */
export function encodeRecords({ records, ...file }: EncodeRequest): Uint8Array {
  const { entity } = file;
  const rows = records.flatMap((value) => decodeFeatureFrame(value, entity).rows);
  return encodeParquet({ ...file, generation: entity.generation, rows });
}

export function createInlineEncoder(): ParquetEncoder {
  return {
    encode: (request) => new Promise((resolve) => resolve(encodeRecords(request))),
    close: () => Promise.resolve(),
  };
}
