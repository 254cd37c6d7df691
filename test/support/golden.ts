import { readFileSync } from 'node:fs';

export interface GoldenRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When the log stored it, milliseconds. */
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: Buffer | null;
}

/** The records of one golden file whose topic ends with the table's name. */
export function golden(file: string, table: string): GoldenRecord[] {
  const lines = readFileSync(new URL(`../golden/debezium/${file}.ndjson`, import.meta.url), 'utf8').split('\n');
  const records = lines
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Omit<GoldenRecord, 'value'> & { value: string | null });
  return records
    .filter(({ topic }) => topic === table || topic.endsWith(`.${table}`))
    .map((record) => ({ ...record, value: record.value === null ? null : Buffer.from(record.value) }));
}
