/**
 * Whether what is committed is as if nothing had happened: the feature log and the changelog against a plain run over the entity log (I1,
 * I2), values against the oracle, files against the feature log.
 */
import { EntityTask, type Emission } from '../../entity/entity-task.ts';
import type { EntityPlan } from '../../define/plan.ts';
import { formatValue } from '../../define/value.ts';
import { decodeFeatureFrame, summarizeFeatureFrame } from '../../frames/feature-frame.ts';
import { decodeEntityFrame } from '../../frames/row-frame.ts';
import type { LogRecord } from '../../log/log.ts';
import { readRange } from '../../offline/parquet.ts';
import { changelogTopic, deadLetterTopic, entityLogTopic, featureLogTopic } from '../../worker/topics.ts';
import { TimeWitness } from './check-time.ts';
import { onlineTexts, type NaiveOracle } from './naive-oracle.ts';
import type { EntitySpec } from './naive-oracle/spec.ts';
import { valueText } from './watched-online-store.ts';
import { application, type World } from './world.ts';

/** One value in this many is recounted: the oracle is slow. */
const recountEvery = 7;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

interface Replayed {
  /** Per (view, key, position), the value; of what is committed. */
  readonly values: ReadonlyMap<string, string>;
  /** The same, of the whole log. */
  readonly all: ReadonlyMap<string, string>;
  /** The changelog's newest entries, as a plain run would leave them; keys' states only. */
  readonly state: ReadonlyMap<string, string>;
}

/** @returns a line for each violation. */
export async function logViolations(world: World, oracle: NaiveOracle): Promise<string[]> {
  const { entity } = world;
  const violations: string[] = [];
  const entityLog = await world.records(entityLogTopic(application, entity));
  const featureLog = await world.records(featureLogTopic(application, entity));
  const changelog = await world.records(changelogTopic(application, entity));
  const deadLetters = await world.records(deadLetterTopic(application));
  if (deadLetters.flat().length > 0) violations.push(`I10: ${deadLetters.flat().length} dead letters of good records`);
  const all = new Map<string, string>();
  for (let partition = 0; partition < entity.partitions; partition++) {
    const committed = await world.committed('entity', { topic: entityLogTopic(application, entity), partition });
    const replayed = replay(world, entityLog[partition]!, committed ?? 0, oracle, violations);
    for (const [id, value] of replayed.all) all.set(id, value);
    compareFeatureLog(`feature log ${partition}`, entity, replayed, featureLog[partition]!, violations);
    compareChangelog(`changelog ${partition}`, entity, replayed, changelog[partition]!, violations);
    await compareFiles(world, entity, partition, featureLog[partition]!, violations);
  }
  compareVisible(world, all, violations);
  return violations;
}

/** A plain run over a partition of the entity log. */
function replay(
  world: World,
  frames: readonly LogRecord[],
  committed: number,
  oracle: NaiveOracle,
  violations: string[],
): Replayed {
  const { entity } = world;
  const task = new EntityTask(entity);
  const time = new TimeWitness(entity, world.connector.published, violations);
  const all = new Map<string, string>();
  let values: Replayed['values'] = new Map();
  const state = new Map<string, string>();
  const reachCommitted = (): void => {
    values = new Map(all);
    for (const { key, value } of task.takeChanges()) if (value !== null) state.set(hex(key), hex(value));
  };
  for (const { offset, value } of frames) {
    if (offset === committed) reachCommitted();
    const frame = decodeEntityFrame(value!, entity);
    time.take(frame);
    for (const emission of task.apply(frame, offset)) {
      const { view, key, asOf_us } = emission;
      const texts = emission.values.map((each, i) => formatValue(view.features[i]!.type, each));
      all.set(`${view.name} of ${key} at ${offset}`, valueText(asOf_us, texts));
      if (all.size % recountEvery === 0) violations.push(...recounted(world.spec, emission, texts, time, oracle));
    }
  }
  if (frames.length <= committed) reachCommitted();
  checkFates(world, task, violations);
  return { values, all, state };
}

/** A value and its T against the rows that were applied. */
function recounted(
  { views }: EntitySpec,
  { view, key, position, asOf_us }: Emission,
  texts: readonly (string | null)[],
  time: TimeWitness,
  oracle: NaiveOracle,
): string[] {
  const violations: string[] = [];
  const { applied, marks } = time;
  const spec = views[view.index]!;
  const id = `${view.name} of ${key} at position ${position}, T ${asOf_us}`;
  const wanted = onlineTexts(spec, oracle.valuesAt(applied, spec, key, asOf_us));
  if (JSON.stringify(wanted) !== JSON.stringify(texts))
    violations.push(`I6: ${id}: ${JSON.stringify(texts)}, the rows give ${JSON.stringify(wanted)}`);
  const wanted_us = Math.max(oracle.rowTime_us(applied, spec, key), marks.clock_us);
  if (asOf_us !== wanted_us) violations.push(`I7: ${id}: rows and marks give T ${wanted_us}`);
  return violations;
}

/** No retraction finds nothing; and where no row comes late, none is refused. */
function checkFates(world: World, task: EntityTask, violations: string[]): void {
  const { insertions, retractions } = task.takeCounters();
  const unmatched = insertions.unmatched + retractions.unmatched;
  if (unmatched > 0) violations.push(`I6: ${unmatched} retractions found nothing`);
  const late = insertions.late + retractions.late;
  if (late > 0 && world.isPunctual) violations.push(`I10: ${late} rows refused as late, and none was`);
}

/** Whatever was to be seen online at some time is what a plain run gives at that position. */
function compareVisible({ online }: World, all: ReadonlyMap<string, string>, violations: string[]): void {
  for (const [id, value] of online.visible) {
    const [view, stored, position] = id.split(' ') as [string, string, string];
    const wanted = all.get(`${view} of ${stored.slice(view.length + 1)} at ${position}`);
    if (wanted !== value)
      violations.push(
        `I1: ${stored} was online at position ${position} as ${value}, a plain run gives ${wanted ?? 'none'}`,
      );
  }
}

function compareFeatureLog(
  name: string,
  entity: EntityPlan,
  { values }: Replayed,
  records: readonly LogRecord[],
  violations: string[],
): void {
  const seen = new Set<string>();
  for (const { value } of records) {
    const { view, rows } = decodeFeatureFrame(value!, entity);
    for (const row of rows) {
      const id = `${view.name} of ${row.key} at ${row.position}`;
      const texts = row.values.map((each, i) => formatValue(view.features[i]!.type, each));
      const found = valueText(row.asOf_us, texts);
      if (seen.has(id)) violations.push(`I2: ${name} holds ${id} twice`);
      seen.add(id);
      if (values.get(id) !== found)
        violations.push(`I1: ${name} holds ${id} as ${found}, a plain run gives ${values.get(id) ?? 'none'}`);
      if (!(row.created_us > 0)) violations.push(`I5: ${name} holds ${id}, which was never acknowledged`);
    }
  }
  const missing = [...values.keys()].filter((id) => !seen.has(id));
  if (missing.length > 0) violations.push(`I2: ${name} lacks ${missing.length} values, the first is ${missing[0]!}`);
}

/** Also whether a task could begin from it: a plain run makes the same entries, wrong or not. */
function compareChangelog(
  name: string,
  entity: EntityPlan,
  { state }: Replayed,
  records: readonly LogRecord[],
  violations: string[],
): void {
  const newest = new Map<string, string>();
  for (const { key, value } of records) {
    if (key![0] === 0) continue;
    if (value === null) newest.delete(hex(key!));
    else newest.set(hex(key!), hex(value));
  }
  for (const key of new Set([...newest.keys(), ...state.keys()])) {
    if (newest.get(key) !== state.get(key))
      violations.push(`I1: ${name} has another state of key ${key} than a plain run leaves`);
  }
  const task = new EntityTask(entity);
  const unhex = (text: string): Buffer => Buffer.from(text, 'hex');
  try {
    for (const [key, value] of [...newest].sort()) task.load({ key: unhex(key), value: unhex(value) });
  } catch (error) {
    violations.push(`I1: ${name} cannot be restored: ${(error as Error).message}`);
  }
}

/** Per view, every record of the feature log that the offline task has committed is in exactly one file, no other in two. */
async function compareFiles(
  world: World,
  entity: EntityPlan,
  partition: number,
  records: readonly LogRecord[],
  violations: string[],
): Promise<void> {
  const committed = (await world.committed('offline', { topic: featureLogTopic(application, entity), partition })) ?? 0;
  for (const view of entity.views) {
    const offsets = records
      .filter(({ value }) => summarizeFeatureFrame(value!, entity).view === view)
      .map(({ offset }) => offset);
    const names = (await world.objects.list(`${view.name}/g${entity.generation}/`)).filter((name) =>
      new RegExp(`/${partition}-\\d+\\.parquet$`).test(name),
    );
    const holders = new Map(offsets.map((offset) => [offset, 0]));
    for (const name of names) {
      const { first, last } = readRange(name, (await world.objects.read(name))!);
      for (const offset of offsets)
        if (offset >= first && offset <= last) holders.set(offset, holders.get(offset)! + 1);
    }
    const wrong = [...holders].filter(([offset, count]) => (offset < committed ? count !== 1 : count > 1));
    if (wrong.length > 0)
      violations.push(
        `I2: of ${view.name}, partition ${partition}, ${wrong.length} feature-log records are not in one file; ` +
          `offset ${wrong[0]![0]} is in ${wrong[0]![1]}`,
      );
  }
}
