/** Which entity partitions a row change concerns, and why. Fixed per generation: never from a broker's metadata. */
import { keyOf } from '../define/key.ts';
import type { EntityPlan, Row } from '../define/plan.ts';
import { hash32 } from '../util/hash.ts';

/** The inputs of one entity that read a table, in the order of the route bits. */
export interface EntityRoute {
  readonly entity: EntityPlan;
  /** Index of the table in the entity. */
  readonly table: number;
  readonly keys: readonly (readonly number[])[];
}

export function routesOf(entities: readonly EntityPlan[], topic: string): EntityRoute[] {
  return entities.flatMap((entity) => {
    const table = entity.tables.findIndex((candidate) => candidate.topic === topic);
    const keys = entity.inputs.filter((input) => input.table === table).map((input) => input.keyColumns);
    return table === -1 ? [] : [{ entity, table, keys }];
  });
}

export function partitionOf(key: string, partitions: number): number {
  return hash32(key) % partitions;
}

/**
 * Calls `to` once per entity partition that the change concerns, with its route bits.
 * @returns how many images belong to no key, because a key column is null.
 */
export function route(
  route: EntityRoute,
  before: Row | null,
  after: Row | null,
  to: (partition: number, routes: number) => void,
): number {
  const { keys, entity } = route;
  if (keys.length === 1) return routeSingle(keys[0]!, entity.partitions, before, after, to);
  const byPartition = new Map<number, number>();
  let unrouted = 0;
  keys.forEach((columns, input) => {
    unrouted += routeSingle(columns, entity.partitions, before, after, (partition, routes) => {
      byPartition.set(partition, (byPartition.get(partition) ?? 0) | (routes << (2 * input)));
    });
  });
  byPartition.forEach((routes, partition) => {
    to(partition, routes);
  });
  return unrouted;
}

function routeSingle(
  columns: readonly number[],
  partitions: number,
  before: Row | null,
  after: Row | null,
  to: (partition: number, routes: number) => void,
): number {
  const beforeKey = before === null ? null : keyOf(before, columns);
  const afterKey = after === null ? null : keyOf(after, columns);
  const from = beforeKey === null ? -1 : partitionOf(beforeKey, partitions);
  const into = afterKey === null ? -1 : beforeKey === afterKey ? from : partitionOf(afterKey, partitions);
  if (from !== -1) to(from, from === into ? 3 : 1);
  if (into !== -1 && into !== from) to(into, 2);
  return (before !== null && from === -1 ? 1 : 0) + (after !== null && into === -1 ? 1 : 0);
}
