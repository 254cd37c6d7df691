/**
 * The task record: where an entity task stands, written last in each of its commits. With the keys' states it is all that a new owner
 * needs. `docs/frames.md` describes the bytes.
 */
import type { EntityPlan } from '../define/plan.ts';
import { MillraceError } from '../errors.ts';
import { ByteReader, ByteWriter } from '../frames/bytes.ts';
import { hash64 } from '../util/hash.ts';
import type { SourceTopic } from './task-marks.ts';

/** How many keys of a view the disk has: with state, and such of which only what was published is kept. */
export interface KeyCounts {
  readonly held: number;
  readonly emptied: number;
}

export interface TaskRecord {
  /** The next entity-log offset to be applied. */
  readonly position: number;
  /** How far the values reach that the online store had acknowledged; −1 when there were none. */
  readonly published: number;
  /** Per table of the entity, what is known of its partitions; null until the first frame. */
  readonly sources: readonly (SourceTopic | null)[];
  /** Per view of the entity. */
  readonly keys: readonly KeyCounts[];
}

const formatVersion = 2;
/** Raised when the engine computes other values from the same frames, or writes state in another form. */
const semantics = 6;

const versions = new WeakMap<EntityPlan, string>();

/** Stands for all that decides the bytes of a task's state. */
export function stateVersion(entity: EntityPlan): string {
  const known = versions.get(entity) ?? computeVersion(entity);
  versions.set(entity, known);
  return known;
}

function computeVersion(entity: EntityPlan): string {
  const parts = [
    `semantics ${semantics}`,
    `generation ${entity.generation}`,
    ...entity.tables.map(({ topic, columnSet }) => `table ${topic} ${columnSet}`),
    ...entity.inputs.map(({ table, keyColumns }) => `input ${table} ${keyColumns.join()}`),
    ...entity.views.map(({ name, hash }) => `view ${name} ${hash}`),
  ];
  return hash64(parts.join('\n'));
}

export function encodeTaskRecord(entity: EntityPlan, record: TaskRecord): Buffer {
  const out = new ByteWriter(256);
  out.u8(formatVersion);
  out.text(stateVersion(entity));
  out.varint(record.position);
  out.varint(record.published + 1);
  for (const topic of record.sources) {
    out.varint(topic === null ? 0 : topic.partitions.length);
    if (topic === null) continue;
    out.text(topic.topicId);
    for (const { data_us, clock_us, offset, session, number } of topic.partitions) {
      out.f64(data_us);
      out.f64(clock_us);
      for (const count of [offset, session, number]) out.varint(count + 1);
    }
  }
  for (const { held, emptied } of record.keys) {
    out.varint(held);
    out.varint(emptied);
  }
  return out.take();
}

/** @throws MillraceError `state-mismatch` when another definition or another engine wrote it. */
export function decodeTaskRecord(bytes: Uint8Array, entity: EntityPlan): TaskRecord {
  const from = new ByteReader(bytes);
  const version = from.u8();
  if (version !== formatVersion || from.text() !== stateVersion(entity)) {
    throw new MillraceError(
      'state-mismatch',
      `the state of entity ${entity.name}, generation ${entity.generation}, was written by another version of the definition or of ` +
        'Millrace: raise the generation of the entity to rebuild it, or run that version',
    );
  }
  const position = from.varint();
  const published = from.varint() - 1;
  const sources = entity.tables.map(() => {
    const count = from.varint();
    return count === 0 ? null : readTopic(from, count);
  });
  const keys = entity.views.map(() => ({ held: from.varint(), emptied: from.varint() }));
  return { position, published, sources, keys };
}

function readTopic(from: ByteReader, count: number): SourceTopic {
  const topicId = from.text();
  const partitions = Array.from({ length: count }, () => ({
    data_us: from.f64(),
    clock_us: from.f64(),
    offset: from.varint() - 1,
    session: from.varint() - 1,
    number: from.varint() - 1,
  }));
  return { topicId, partitions };
}
