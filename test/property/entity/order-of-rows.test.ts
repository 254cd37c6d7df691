/** What must not matter: the order of rows within a frame, and rows that came and went. */
import { expect, test } from 'vitest';
import { EntityTask, type Emission } from '../../../src/entity/entity-task.ts';
import type { EntityFrame, RowEntry } from '../../../src/frames/row-frame.ts';
import { planOf } from '../../../src/testing/simulation/defined-views.ts';
import type { EntityPlan, Row, TablePlan } from '../../../src/define/plan.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { History, histories, type HistoryStep } from '../../support/entity-history.ts';
import { randomEntity } from '../../support/entity-spec.ts';
import { expectMany, replayable, seeds } from '../../support/replayable.ts';

interface Outcome {
  readonly emitted: readonly (readonly Emission[])[];
  readonly bytes: ReadonlyMap<string, string>;
}

function outcomeOf(plan: EntityPlan, frames: readonly EntityFrame[]): Outcome {
  const task = new EntityTask(plan);
  const emitted = frames.map((frame, position) =>
    task.apply(frame, position).map((emission) => ({ ...emission, cause: null })),
  );
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const changes = task.takeChanges().flatMap(({ key, value }) => (value === null ? [] : [[hex(key), hex(value)]]));
  return { emitted: emitted.map(sorted), bytes: new Map(changes as [string, string][]) };
}

/** Keys of one frame come in the order in which their rows did. */
const sorted = (emissions: readonly Emission[]): Emission[] =>
  [...emissions].sort((a, b) => a.view.index - b.view.index || (a.key < b.key ? -1 : 1));

function played(seed: number, steps: readonly HistoryStep[]): { plan: EntityPlan; frames: readonly EntityFrame[] } {
  const spec = randomEntity(new Random(seed));
  const plan = planOf(spec, 'property').entities[0]!;
  // Without deletes of rows of the same frame, many rows come together.
  const history = new History(spec, plan, { punctual: true, partitions: 1 });
  history.take(steps.map((step) => ({ ...step, pass_s: step.pass_s % 3, restart: false })));
  return { plan, frames: history.frames.map(({ frame }) => frame) };
}

test('rows inside the lateness bound may come in any order: not a value and not a byte differs', () => {
  let moved = 0;
  replayable(150, seeds, histories, (seed, steps) => {
    const { plan, frames } = played(seed, steps);
    const random = new Random(seed).fork('order');
    const permuted = frames.map((frame) => {
      if (frame.kind !== 'rows') return frame;
      const rows = permutedRows(random, plan.tables[frame.source.table]!, frame.rows);
      moved += rows.filter((row, i) => row.commit_us !== frame.rows[i]!.commit_us).length;
      return { ...frame, rows };
    });
    expect(outcomeOf(plan, permuted)).toEqual(outcomeOf(plan, frames));
  });
  expectMany(moved, 500);
});

/** Changes of one row keep their order. Offsets stay where they are. */
function permutedRows(random: Random, table: TablePlan, rows: readonly RowEntry[]): RowEntry[] {
  const queues = new Map<string, RowEntry[]>();
  for (const row of rows) {
    const id = table.primaryKey.map((column) => String((row.after ?? row.before)![column])).join();
    queues.set(id, [...(queues.get(id) ?? []), row]);
  }
  return rows.map(({ offset }) => {
    const ids = [...queues].filter(([, queue]) => queue.length > 0).map(([id]) => id);
    return { ...queues.get(random.pick(ids))!.shift()!, offset };
  });
}

test('rows that came and went leave not a byte, T apart', () => {
  let added = 0;
  replayable(150, seeds, histories, (seed, steps) => {
    const { plan, frames } = played(seed, steps);
    const random = new Random(seed).fork('guests');
    const visited = frames.map((frame) => {
      if (frame.kind !== 'rows' || plan.tables[frame.source.table]!.appendOnly) return frame;
      const rows = frame.rows.flatMap((row) => {
        const guests = random.chance(0.5) ? guestsOf(random, plan.tables[frame.source.table]!, row) : [];
        added += guests.length;
        return [row, ...guests];
      });
      return { ...frame, rows };
    });
    expect(outcomeOf(plan, visited)).toEqual(outcomeOf(plan, frames));
  });
  expectMany(added, 500);
});

/** Others of the same keys, not newer than the row: inserted and deleted, some after a change. */
function guestsOf(random: Random, table: TablePlan, host: RowEntry): RowEntry[] {
  if (host.after === null) return [];
  const { column } = table.time!;
  const primary = table.primaryKey.at(-1)!;
  const guest = (values: Row): Row =>
    values.map((value, i) => {
      if (i === primary) return typeof value === 'bigint' ? value + 1000n : (value as number) + 1000;
      return i === column ? (value as bigint) - BigInt(random.pick([0, 1, 500_000, 3_000_000])) : value;
    });
  const own = Math.floor(host.routes / 2) & 0x555555;
  const [first, second] = [guest(host.after), guest(host.after)];
  const base = { ...host, ingest_ms: 0 };
  const inserted: RowEntry = {
    ...base,
    offset: host.offset + 1,
    operation: 'c',
    before: null,
    after: first,
    routes: own * 2,
  };
  const changed: RowEntry = {
    ...base,
    offset: host.offset + 2,
    operation: 'u',
    before: first,
    after: second,
    routes: own * 3,
  };
  const deleted = (before: Row): RowEntry => ({
    ...{ ...base, offset: host.offset + 3, operation: 'd', before, after: null, routes: own },
  });
  return random.chance(0.5) ? [inserted, changed, deleted(second)] : [inserted, deleted(first)];
}
