/** A Postgres database, against what the definitions say of its tables. */
import type { Plan } from '../define/plan.ts';
import { fault, fine, warning, type Finding } from './findings.ts';

export interface PostgresState {
  readonly walLevel: string;
  readonly tables: readonly PostgresTable[];
  readonly slots: readonly PostgresSlot[];
}

export interface PostgresTable {
  /** `schema.table` */
  readonly name: string;
  /** As `pg_class.relreplident`: f full, d default, n nothing, i index. */
  readonly replicaIdentity: string;
  readonly columns: readonly { readonly name: string; readonly nullable: boolean }[];
}

/** A logical replication slot of the database. */
export interface PostgresSlot {
  readonly name: string;
  readonly active: boolean;
  /** reserved, extended, unreserved, lost. */
  readonly walStatus: string;
  readonly behind_bytes: number;
}

const slotLimit_bytes = 1024 ** 3;

export function postgresFindings(plan: Plan, state: PostgresState): Finding[] {
  const tables = new Map(plan.entities.flatMap((entity) => entity.tables.map((table) => [table.name, table])));
  const there = new Map(state.tables.map((table) => [table.name, table]));
  return [
    state.walLevel === 'logical'
      ? fine('wal_level', 'logical')
      : fault('wal_level', `is ${state.walLevel}`, "alter system set wal_level = 'logical', and restart Postgres"),
    ...slotFindings(state.slots),
    ...[...tables.values()].flatMap((table) => {
      const what = `table ${table.name}`;
      const found = there.get(table.name);
      if (found === undefined) return [fault(what, 'does not exist in this database', 'name it as schema.table')];
      const columns = new Map(found.columns.map((column) => [column.name, column]));
      const missing = table.columns.filter(({ name }) => !columns.has(name)).map(({ name }) => name);
      const event = table.time === null ? null : table.columns[table.time.column]!.name;
      return [
        identityFinding(what, table.replicaIdentity, found.replicaIdentity, table.name),
        missing.length === 0
          ? fine(what, `has all ${table.columns.length} columns`)
          : fault(what, `has no column ${missing.join(', ')}`, 'correct the definition, or add the column first'),
        ...(event !== null && columns.get(event)?.nullable === true
          ? [
              fault(
                what,
                `its event time ${event} may be null`,
                `alter table ${table.name} alter column ${event} set not null`,
              ),
            ]
          : []),
      ];
    }),
  ];
}

function identityFinding(what: string, declared: 'full' | 'default', found: string, table: string): Finding {
  const isFull = found === 'f';
  if (declared === 'full' && !isFull) {
    return fault(
      what,
      'its replica identity is not full: updates and deletes come without the old row and are dead-lettered',
      `alter table ${table} replica identity full`,
    );
  }
  if (declared === 'default' && isFull) {
    return warning(
      what,
      'its replica identity is full, the definition says default',
      "say replicaIdentity: 'full' to take changes back",
    );
  }
  return fine(what, `replica identity ${declared}`);
}

function slotFindings(slots: readonly PostgresSlot[]): Finding[] {
  if (slots.length === 0)
    return [
      warning('replication slots', 'there is none for logical decoding', 'the connector makes one when it starts'),
    ];
  return slots.map(({ name, active, walStatus, behind_bytes }) => {
    const what = `replication slot ${name}`;
    if (walStatus === 'lost')
      return fault(
        what,
        'has lost changes',
        'make a snapshot into new topics, and raise the generation of the entities',
      );
    if (!active)
      return fault(what, 'is read by nobody, and keeps the log of the database', 'start its connector, or drop it');
    if (behind_bytes > slotLimit_bytes)
      return warning(
        what,
        `is ${Math.round(behind_bytes / 1024 ** 2)} MiB behind`,
        'is the connector slow, or without heartbeats?',
      );
    return fine(what, `${Math.round(behind_bytes / 1024)} KiB behind`);
  });
}
