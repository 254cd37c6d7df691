import type { Column, Kind } from './column.ts';

/** Kinds whose text is the same everywhere, so that they can name a key. */
export type KeyKind = Extract<Kind, 'int32' | 'int64' | 'text'>;

export type KeyFields = Readonly<Record<string, Column<KeyKind, false>>>;

/** A thing that has features: a user, a card, a pair of both. */
export interface Entity<Key extends KeyFields = KeyFields> {
  readonly definition: 'entity';
  readonly name: string;
  readonly key: Key;
  readonly partitions: number;
  readonly generation: number;
}

export interface EntityOptions<Key extends KeyFields> {
  /** The key's fields in order. */
  readonly key: Key;
  /** Entity-log partitions, the most workers that can share the entity. Fixed per generation. Default 12. */
  readonly partitions?: number;
  /** One incarnation of the entity's logs and state. Raise it to rebuild all from the sources. Default 1. */
  readonly generation?: number;
}

/**
 * @param name names topics and the default online key: letters, digits, `_`, `-`.
 * @example export const user = entity('user', { key: { user_id: int64() } });
 */
export function entity<Key extends KeyFields>(name: string, options: EntityOptions<Key>): Entity<Key> {
  return Object.freeze({
    definition: 'entity',
    name,
    key: Object.freeze({ ...options.key }),
    partitions: options.partitions ?? 12,
    generation: options.generation ?? 1,
  });
}
