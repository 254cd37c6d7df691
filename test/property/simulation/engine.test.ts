/** The simulated world, its definitions and its oracle against the engine's pure parts: one ingest, one task a partition, no fleet. */
import { expect, test } from 'vitest';
import { EntityTask, type EntityCounters } from '../../../src/entity/entity-task.ts';
import { decodeEntityFrame, encodeMarksFrame, encodeTickFrame } from '../../../src/frames/row-frame.ts';
import { routesOf } from '../../../src/ingest/router.ts';
import { MemoryStage, StagingBudget } from '../../../src/ingest/snapshot-stage.ts';
import { SourcePartition } from '../../../src/ingest/source-partition.ts';
import { simulatedPlan, simulatedUser } from '../../../src/testing/simulation/definitions.ts';
import {
  NaiveOracle,
  oracleViews,
  onlineTexts,
  recount,
  liveAt,
} from '../../../src/testing/simulation/naive-oracle.ts';
import { formatValue } from '../../../src/define/value.ts';
import { SimulatedWorld, type SentRecord, type WorldOptions } from '../../support/simulated-world.ts';

interface Emitted {
  readonly view: string;
  readonly key: string;
  readonly asOf_us: number;
  readonly values: readonly unknown[];
  readonly texts: readonly (string | null)[];
  readonly prefix: ReadonlyMap<string, readonly number[]>;
}

/** Takes the records in random batches, as they were sent; time passes with them. */
class Pipeline {
  readonly emitted: Emitted[] = [];
  readonly tasks = Array.from({ length: simulatedUser.partitions }, () => new EntityTask(simulatedUser));
  private readonly sources = new Map<string, { partition: SourcePartition; offset: number; last_ms: number }>();
  private readonly world: SimulatedWorld;
  private taken = 0;

  constructor(world: SimulatedWorld) {
    this.world = world;
    for (const table of simulatedUser.tables) {
      const types = table.columns.map(({ type }) => type);
      const routes = routesOf(simulatedPlan.entities, table.topic);
      for (let partition = 0; partition < 3; partition++) {
        const options = { table, topicId: table.topic.padEnd(32, '0'), partition, partitionCount: 3, routes };
        const topicId = Buffer.from(options.topicId).toString('hex').slice(-32);
        const stage = new MemoryStage(types, new StagingBudget(Infinity));
        const source = new SourcePartition({ ...options, topicId, restored: null, stage });
        this.sources.set(`${table.topic}/${partition}`, { partition: source, offset: 0, last_ms: 0 });
      }
    }
  }

  run(): void {
    const { sent, clock } = this.world;
    const now_ms = clock.now_ms();
    for (; this.taken < sent.length; this.taken++) this.take(sent[this.taken]!, now_ms);
    for (const { partition } of this.sources.values()) {
      for (const frame of partition.takeFrames()) this.apply(frame.partition, frame.bytes);
    }
    for (const { partition, last_ms } of this.sources.values()) partition.caughtUp(now_ms, last_ms, now_ms);
    const own = [...this.sources.values()].map(({ partition }) => {
      const [route] = routesOf(simulatedPlan.entities, partition.table.topic);
      return { source: partition.sourceId(route!), marks: partition.marks };
    });
    const marks = encodeMarksFrame(simulatedUser, own);
    for (let partition = 0; partition < this.tasks.length; partition++) this.apply(partition, marks);
  }

  get counters(): EntityCounters[] {
    return this.tasks.map((task) => task.takeCounters());
  }

  private take({ topic, partition, value }: SentRecord, now_ms: number): void {
    const source = this.sources.get(`${topic}/${partition}`);
    if (source === undefined) return;
    source.partition.accept(source.offset++, value === null ? null : Buffer.from(value), now_ms, now_ms);
    source.last_ms = now_ms;
  }

  private readonly applied = Array.from({ length: 3 }, () => new Map<string, number[]>());

  private apply(partition: number, bytes: Uint8Array): void {
    const task = this.tasks[partition]!;
    const applied = this.applied[partition]!;
    for (let next = bytes; ; next = encodeTickFrame()) {
      const frame = decodeEntityFrame(next, simulatedUser);
      if (frame.kind === 'rows') {
        const { topic } = simulatedUser.tables[frame.source.table]!;
        const offsets = applied.get(topic) ?? [0, 0, 0];
        offsets[frame.source.partition] = frame.rows.at(-1)!.offset + 1;
        applied.set(topic, offsets);
      }
      for (const { view, key, asOf_us, values } of task.apply(frame, 0)) {
        const prefix = new Map([...applied].map(([topic, offsets]) => [topic, [...offsets]]));
        const texts = values.map((value, i) => formatValue(view.features[i]!.type, value));
        this.emitted.push({ view: view.name, key, asOf_us, values, texts, prefix });
      }
      if (!task.hasDueTimers) return;
    }
  }
}

async function played(
  seed: string,
  options: WorldOptions,
  crashes: number,
): Promise<{ world: SimulatedWorld; pipeline: Pipeline }> {
  const world = new SimulatedWorld(seed, options);
  const pipeline = new Pipeline(world);
  const random = world.random.fork('pipeline');
  const again = (): void => {
    pipeline.run();
    world.clock.after(random.chance(0.1) ? random.int(3_000) : random.int(60), again);
  };
  again();
  await world.play(60_000, crashes);
  await world.clock.runFor(5_000);
  return { world, pipeline };
}

test('every value is the recount of its source prefix at its T, and the last ones are those of the table', async () => {
  let filled = 0;
  for (const options of [{}, { late: 'some' }, { rate: 60 }] as const) {
    for (let seed = 0; seed < 2; seed++) {
      const { world, pipeline } = await played(`engine/${JSON.stringify(options)}/${seed}`, options, seed * 3);
      const oracle = new NaiveOracle(world.connector.published);
      const last = new Map<string, Emitted>();
      for (const emitted of pipeline.emitted) {
        const { view, key, asOf_us, values, texts, prefix } = emitted;
        const expected = oracle.valuesAt(prefix, view, key, asOf_us);
        expect({ view, key, asOf_us, values }).toEqual({ view, key, asOf_us, values: Object.values(expected) });
        expect(texts).toEqual(onlineTexts(view, expected));
        expect(asOf_us).toBeGreaterThanOrEqual(oracle.rowTime_us(prefix, view, key));
        last.set(`${view}/${key}`, emitted);
        if (values[0] !== 0n) filled++;
      }
      const live = liveAt(world.database.changes, world.database.changes.length);
      for (const view of Object.keys(oracleViews)) {
        for (const key of oracle.keysOf(view)) {
          const { asOf_us, values } = last.get(`${view}/${key}`)!;
          expect(values).toEqual(Object.values(recount(live, view, key, asOf_us)));
        }
      }
    }
  }
  expect(filled).toBeGreaterThan(1_000);
});

test('counters account for every image, and without late rows none is late', async () => {
  let lateWhereAllowed = 0;
  for (const late of ['none', 'some'] as const) {
    for (let seed = 0; seed < 3; seed++) {
      const { world, pipeline } = await played(`counters/${seed}`, { late }, seed);
      const oracle = new NaiveOracle(world.connector.published);
      const fates = { insertions: 0, retractions: 0, late: 0, unmatched: 0 };
      for (const { insertions, retractions } of pipeline.counters) {
        for (const count of Object.values(insertions)) fates.insertions += count;
        for (const count of Object.values(retractions)) fates.retractions += count;
        fates.late += insertions.late + retractions.late;
        fates.unmatched += insertions.unmatched + retractions.unmatched;
      }
      const images = Object.keys(oracleViews).map((view) => oracle.imagesOf(view));
      expect(fates).toMatchObject({
        insertions: images.reduce((sum, { insertions }) => sum + insertions, 0),
        retractions: images.reduce((sum, { retractions }) => sum + retractions, 0),
        unmatched: 0,
      });
      if (late === 'none') expect(fates.late).toBe(0);
      else lateWhereAllowed += fates.late;
    }
  }
  expect(lateWhereAllowed).toBeGreaterThan(50);
});
