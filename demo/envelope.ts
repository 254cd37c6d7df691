/**
 * Debezium's JSON envelopes, byte for byte as the Postgres connector 3.6 writes them (JsonConverter without schemas, decimals
 * as strings, times in microseconds). Written as text because `ts_ns` is beyond what a JavaScript number holds.
 */
export type Operation = 'c' | 'u' | 'd';

export interface SourceRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Uint8Array;
  /** Null for the tombstone behind a delete. */
  readonly value: Uint8Array | null;
}

/** One change of a row, where it stands in the write-ahead log and in the order of commits. */
export interface Change {
  readonly table: 'users' | 'transactions';
  readonly op: Operation;
  readonly before: object | null;
  readonly after: object | null;
  readonly txId: number;
  /** Position of the row's record in the write-ahead log. */
  readonly lsn: number;
  /** End of the commit before this one; null for the first. */
  readonly previousCommit: number | null;
  readonly commit_us: number;
}

export const prefix = 'dbserver';

export const topicOf = (table: Change['table']): string => `${prefix}.public.${table}`;

/** Everything but the instant at which the connector handled it: that alone differs when it sends a record again. */
export function envelopeHead(change: Change): string {
  const { table, op, before, after, txId, lsn, previousCommit, commit_us } = change;
  const previous = previousCommit === null ? 'null' : `"${previousCommit}"`;
  const sequence = JSON.stringify(`[${previous},"${lsn}"]`);
  return (
    `{"before":${JSON.stringify(before)},"after":${JSON.stringify(after)},` +
    `"source":{"version":"3.6.1.Final","connector":"postgresql","name":"${prefix}",` +
    `"ts_ms":${Math.floor(commit_us / 1000)},"snapshot":"false","db":"shop","sequence":${sequence},` +
    `"ts_us":${commit_us},"ts_ns":${commit_us}000,"schema":"public","table":"${table}","txId":${txId},"lsn":${lsn},` +
    `"xmin":null,"origin":null,"origin_lsn":null},"transaction":null,"op":"${op}"`
  );
}

export function envelope(head: string, handled_us: number): Uint8Array {
  const ms = Math.floor(handled_us / 1000);
  return Buffer.from(`${head},"ts_ms":${ms},"ts_us":${handled_us},"ts_ns":${handled_us}000}`);
}

/** FNV-1a over the key's bytes. Kafka's producer takes murmur2; all that matters here is that a row never moves. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % partitions;
}
