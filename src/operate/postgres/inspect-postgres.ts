/** Reads from Postgres what {@link postgresFindings} judges. Changes nothing. */
import pg from 'pg';
import type { PostgresSlot, PostgresState, PostgresTable } from '../postgres-findings.ts';

/**
 * @param url `postgres://user:password@host:port/database`
 * @param tables as `schema.table`
 */
export async function inspectPostgres(url: string, tables: readonly string[]): Promise<PostgresState> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000, query_timeout: 10_000 });
  await client.connect();
  try {
    const level = await client.query<{ wal_level: string }>('show wal_level');
    const found = await client.query<PostgresTable>(
      `select n.nspname || '.' || c.relname as name, c.relreplident as "replicaIdentity",
              (select coalesce(json_agg(json_build_object('name', a.attname, 'nullable', not a.attnotnull)), '[]')
                 from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname || '.' || c.relname = any($1)`,
      [tables],
    );
    const slots = await client.query<PostgresSlot>(
      `select slot_name as name, active, coalesce(wal_status, 'reserved') as "walStatus",
              coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::float8 as behind_bytes
         from pg_replication_slots where slot_type = 'logical' and database = current_database()`,
    );
    return { walLevel: level.rows[0]!.wal_level, tables: found.rows, slots: slots.rows };
  } finally {
    await client.end();
  }
}
