/** What is said between the thread that makes files and the one that asks for them. */
import { type MillraceError } from '../../errors.ts';
import type { EncodeRequest } from '../parquet-encoder.ts';

export interface Question extends Omit<EncodeRequest, 'records'> {
  readonly id: number;
  /** All records, one behind the other. */
  readonly bytes: Uint8Array;
  /** Where each ends. */
  readonly ends: Uint32Array;
}

export type Answer = { readonly id: number } & (
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'error'; readonly code: MillraceError['code'] | null; readonly message: string }
);

export function questionOf(id: number, { entity, view, partition, first, last, records }: EncodeRequest): Question {
  const bytes = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0));
  const ends = new Uint32Array(records.length);
  let end = 0;
  records.forEach((record, i) => {
    bytes.set(record, end);
    end += record.length;
    ends[i] = end;
  });
  const { name, generation, key } = entity;
  const plain = { name, generation, key, views: entity.views.map(dataOf) };
  return { id, entity: plain, view: plain.views[view.index]!, partition, first, last, bytes, ends };
}

export function requestOf({ bytes, ends, ...file }: Question): EncodeRequest {
  const records = Array.from(ends, (end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
  return { ...file, records };
}

/** Functions do not go to another thread. */
function dataOf({ name, index, hash, features }: EncodeRequest['view']): EncodeRequest['view'] {
  return { name, index, hash, features: features.map((feature) => ({ name: feature.name, type: feature.type })) };
}
