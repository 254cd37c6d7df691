/** The simulated world, its definitions and its oracle against the engine's pure parts: one ingest, one task a partition, no fleet. */
import { expect, test } from 'vitest';
import { EntityTask, type EntityCounters } from '../../../src/entity/entity-task.ts';
import { decodeEntityFrame, encodeMarksFrame, encodeTickFrame } from '../../../src/frames/row-frame.ts';
import { routesOf } from '../../../src/ingest/router.ts';
import { MemoryStage, StagingBudget } from '../../../src/ingest/snapshot-stage.ts';
import { SourcePartition } from '../../../src/ingest/source-partition.ts';
import type { Plan, EntityPlan } from '../../../src/define/plan.ts';
import { planOf } from '../../../src/testing/simulation/defined-views.ts';
import { NaiveOracle, onlineTexts, valuesAfter } from '../../../src/testing/simulation/naive-oracle.ts';
import type { EntitySpec } from '../../../src/testing/simulation/naive-oracle/spec.ts';
import { Random } from '../../../src/testing/simulation/random.ts';
import { simulatedEntity, writtenEntity } from '../../../src/testing/simulation/simulated-views.ts';
import { prefix } from '../../../src/testing/simulation/tables.ts';
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
  readonly tasks: readonly EntityTask[];
  private readonly plan: Plan;
  private readonly entity: EntityPlan;
  private readonly sources = new Map<string, { partition: SourcePartition; offset: number; last_ms: number }>();
  private readonly world: SimulatedWorld;
  private taken = 0;

  constructor(world: SimulatedWorld, spec: EntitySpec) {
    this.world = world;
    this.plan = planOf(spec, prefix);
    this.entity = this.plan.entities[0]!;
    this.tasks = Array.from({ length: spec.partitions }, () => new EntityTask(this.entity));
    for (const table of this.entity.tables) {
      const types = table.columns.map(({ type }) => type);
      const routes = routesOf(this.plan.entities, table.topic);
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
      const [route] = routesOf(this.plan.entities, partition.table.topic);
      return { source: partition.sourceId(route!), marks: partition.marks };
    });
    const marks = encodeMarksFrame(this.entity, own);
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
      const frame = decodeEntityFrame(next, this.entity);
      if (frame.kind === 'rows') {
        const { topic } = this.entity.tables[frame.source.table]!;
        const offsets = applied.get(topic) ?? [0, 0, 0];
        offsets[frame.source.partition] = frame.rows.at(-1)!.offset + 1;
        applied.set(topic, offsets);
      }
      for (const { view, key, asOf_us, values } of task.apply(frame, 0)) {
        const reached = new Map([...applied].map(([topic, offsets]) => [topic, [...offsets]]));
        const texts = values.map((value, i) => formatValue(view.features[i]!.type, value));
        this.emitted.push({ view: view.name, key, asOf_us, values, texts, prefix: reached });
      }
      if (!task.hasDueTimers) return;
    }
  }
}

async function played(
  spec: EntitySpec,
  seed: string,
  options: WorldOptions,
  crashes: number,
): Promise<{ world: SimulatedWorld; pipeline: Pipeline }> {
  const world = new SimulatedWorld(seed, options);
  const pipeline = new Pipeline(world, spec);
  const random = world.random.fork('pipeline');
  const again = (): void => {
    pipeline.run();
    world.clock.after(random.chance(0.1) ? random.int(3_000) : random.int(60), again);
  };
  again();
  await world.play(60_000, crashes);
  await world.clock.runFor(8_000);
  return { world, pipeline };
}

/** The views that people wrote, and others. */
const specOf = (seed: number): EntitySpec =>
  seed === 0 ? writtenEntity : simulatedEntity(new Random(`views/${seed}`));

test('every value is the recount of its source prefix at its T, and the last ones are those of the table', async () => {
  let filled = 0;
  for (const options of [{}, { late: 'some' }, { rate: 60 }] as const) {
    for (let seed = 0; seed < 4; seed++) {
      const spec = specOf(seed);
      const { world, pipeline } = await played(spec, `engine/${JSON.stringify(options)}/${seed}`, options, seed);
      const oracle = new NaiveOracle(spec, world.connector.published);
      const last = new Map<string, Emitted>();
      for (const emitted of pipeline.emitted) {
        const { view: name, key, asOf_us, values, texts, prefix: reached } = emitted;
        const view = spec.views.find((each) => each.name === name)!;
        const expected = oracle.valuesAt(reached, view, key, asOf_us);
        expect({ name, key, asOf_us, values }).toEqual({ name, key, asOf_us, values: expected });
        expect(texts).toEqual(onlineTexts(view, expected));
        expect(asOf_us).toBeGreaterThanOrEqual(oracle.rowTime_us(reached, view, key));
        last.set(`${name}/${key}`, emitted);
        if (values.some((value) => value !== 0n && value !== null)) filled++;
      }
      const { changes } = world.database;
      for (const view of spec.views) {
        for (const key of oracle.keysOf(view)) {
          const { asOf_us, values } = last.get(`${view.name}/${key}`)!;
          expect(values).toEqual(valuesAfter(changes, changes.length, view, key, asOf_us));
        }
      }
    }
  }
  expect(filled).toBeGreaterThan(1_000);
});

test('counters account for every image, and without late rows none is late', async () => {
  let lateWhereAllowed = 0;
  for (const late of ['none', 'some'] as const) {
    for (let seed = 0; seed < 4; seed++) {
      const spec = specOf(seed);
      const { world, pipeline } = await played(spec, `counters/${seed}`, { late }, seed);
      const oracle = new NaiveOracle(spec, world.connector.published);
      const fates = { insertions: 0, retractions: 0, late: 0, unmatched: 0 };
      for (const { insertions, retractions } of pipeline.counters) {
        for (const count of Object.values(insertions)) fates.insertions += count;
        for (const count of Object.values(retractions)) fates.retractions += count;
        fates.late += insertions.late + retractions.late;
        fates.unmatched += insertions.unmatched + retractions.unmatched;
      }
      const images = spec.views.map((view) => oracle.imagesOf(view));
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
