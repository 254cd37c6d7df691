/**
 * Which rows are traced, and the names of their traces and spans. Both follow from where a row stands in its source topic, which
 * every frame of the entity log says: so the processes that a row passes through agree without telling each other.
 */
import { createHash, randomBytes } from 'node:crypto';
import { hash32, hashWhole } from '../util/hash.ts';

/** A source partition. A topic that is made anew has another id, and its rows have other traces. */
export interface TracedPartition {
  /** 32 hexadecimal digits. */
  readonly topicId: string;
  readonly partition: number;
}

export interface RowSampler {
  isSampled(offset: number): boolean;
}

/** @param ratio the share of rows that is traced, 0 to 1. */
export function rowSampler(ratio: number, { topicId, partition }: TracedPartition): RowSampler {
  const seed = hash32(`${topicId}/${partition}`);
  const limit = ratio * 0x1_0000_0000;
  return { isSampled: (offset) => hashWhole(seed, offset) < limit };
}

/** The trace of a row. */
export const traceIdOf = ({ topicId, partition }: TracedPartition, offset: number): string =>
  digits(`${topicId}/${partition}/${offset}`, 32);

/** The first span: from the commit in the database to the source topic. Whoever tells of it tells the same. */
export const sourceSpanId = (traceId: string): string => digits(`${traceId}/source`, 16);

/** The ingest of a row in one session: entity tasks, which know the session, name it as their parent. */
export const ingestSpanId = (traceId: string, application: string, session: number): string =>
  digits(`${traceId}/ingest/${application}/${session}`, 16);

/** Of a span that nobody else has to name. */
export const newSpanId = (): string => randomBytes(8).toString('hex');

const digits = (text: string, count: number): string => createHash('sha256').update(text).digest('hex').slice(0, count);
