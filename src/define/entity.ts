import type { Column, Kind } from './column.ts';

/** Kinds whose text is the same everywhere, so that they can name a key. */
export type KeyKind = Extract<Kind, 'int32' | 'int64' | 'text'>;

/** The fields of an entity key, in order. None may be null. */
export type KeyFields = Readonly<Record<string, Column<KeyKind, false>>>;

/** A thing that has features: a user, a card, a pair of both. */
export interface Entity<Key extends KeyFields = KeyFields> {
  /** @internal */
  readonly definition: 'entity';
  /** Names its topics: `<application>.<name>.g<generation>.entity-log` and so on. */
  readonly name: string;
  /** The key's fields in order. */
  readonly key: Key;
  /** Entity-log partitions. */
  readonly partitions: number;
  /** Which incarnation of its logs and state this is. */
  readonly generation: number;
}

/** What is said of an entity beside its name. */
export interface EntityOptions<Key extends KeyFields> {
  /** The key's fields in order: at least one, each `int32()`, `int64()` or `text()`, and none that may be null. */
  readonly key: Key;
  /** Entity-log partitions, the most workers that can share the entity: 1 to 1,000. Fixed per generation. Default 12. */
  readonly partitions?: number;
  /** One incarnation of the entity's logs and state, from 1. Raise it to rebuild all from the sources. Default 1. */
  readonly generation?: number;
}

/**
 * Defines a thing that has features. Its faults are found when the views over it are loaded.
 * @param name names topics: letters, digits, `_`, `-`.
 * @example export const user = entity('user', { key: { user_id: int64() } });
 * @example export const cardAtShop = entity('card_at_shop', { key: { card_id: int64(), merchant: text() } });
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
