/**
 * Whether what is committed is as if nothing had happened: the feature log and the changelog against a plain run over the entity log (I1,
 * I2), values against the oracle, files against the feature log.
 */
import { EntityTask } from '../../entity/entity-task.ts';
import type { EntityPlan } from '../../define/plan.ts';
import { formatValue } from '../../define/value.ts';
import { decodeFeatureFrame, summarizeFeatureFrame } from '../../frames/feature-frame.ts';
import { decodeEntityFrame, type RowsFrame } from '../../frames/row-frame.ts';
import type { LogRecord, TopicPartition } from '../../log/log.ts';
import { readRange } from '../../offline/parquet.ts';
import { changelogTopic, deadLetterTopic, entityLogTopic, featureLogTopic } from '../../worker/topics.ts';
import { onlineTexts, type NaiveOracle } from './naive-oracle.ts';
import { application, plan, type World } from './world.ts';

/** One value in this many is recounted: the oracle is slow. */
const recountEvery = 7;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

interface Replayed {
  /** Per (view, key, position), the value. */
  readonly values: ReadonlyMap<string, string>;
  /** The changelog's newest entries, as a plain run would leave them; keys' states only. */
  readonly state: ReadonlyMap<string, string>;
}

/** @returns a line for each violation. */
export async function logViolations(world: World, oracle: NaiveOracle): Promise<string[]> {
  const [entity] = plan.entities as [EntityPlan];
  const violations: string[] = [];
  const entityLog = await world.records(entityLogTopic(application, entity));
  const featureLog = await world.records(featureLogTopic(application, entity));
  const changelog = await world.records(changelogTopic(application, entity));
  const deadLetters = await world.records(deadLetterTopic(application));
  if (deadLetters.flat().length > 0) violations.push(`I10: ${deadLetters.flat().length} dead letters of good records`);
  for (let partition = 0; partition < entity.partitions; partition++) {
    const committed = await committedOf(world, 'entity', { topic: entityLogTopic(application, entity), partition });
    const frames = entityLog[partition]!.filter(({ offset }) => offset < committed);
    const replayed = replay(entity, frames, oracle, violations);
    compareFeatureLog(`feature log ${partition}`, entity, replayed, featureLog[partition]!, violations);
    compareChangelog(`changelog ${partition}`, replayed, changelog[partition]!, violations);
    await compareFiles(world, entity, partition, featureLog[partition]!, violations);
  }
  return violations;
}

async function committedOf(world: World, group: string, at: TopicPartition): Promise<number> {
  const handlers = { assigned: () => Promise.resolve([]), revoked: () => Promise.resolve() };
  const none = { lost: () => undefined, batch: () => undefined, failed: () => undefined };
  const member = await world.log.groupConsumer({
    group: `${application}.${group}`,
    topics: [],
    handlers: { ...handlers, ...none },
  });
  const [offset] = await world.clock.settle(member.committed([at]));
  return offset?.offset ?? 0;
}

function replay(entity: EntityPlan, frames: readonly LogRecord[], oracle: NaiveOracle, violations: string[]): Replayed {
  const task = new EntityTask(entity);
  const values = new Map<string, string>();
  const applied = new Map<string, number[]>();
  const sessions = new Map<string, number>();
  let count = 0;
  for (const { offset, value } of frames) {
    const frame = decodeEntityFrame(value!, entity);
    if (frame.kind === 'rows' && isNews(frame, sessions)) {
      const { topic } = entity.tables[frame.source.table]!;
      const offsets = applied.get(topic) ?? Array.from({ length: frame.source.partitionCount }, () => 0);
      const last = frame.rows.at(-1)!.offset + 1;
      offsets[frame.source.partition] = Math.max(offsets[frame.source.partition]!, last);
      applied.set(topic, offsets);
    }
    for (const emission of task.apply(frame, offset)) {
      const { view, key, asOf_us } = emission;
      const texts = emission.values.map((each, i) => formatValue(view.features[i]!.type, each));
      values.set(`${view.name} of ${key} at ${offset}`, JSON.stringify([asOf_us, texts]));
      if (count++ % recountEvery !== 0) continue;
      const wanted = onlineTexts(view.name, oracle.valuesAt(applied, view.name, key, asOf_us));
      if (JSON.stringify(wanted) !== JSON.stringify(texts))
        violations.push(
          `I6: ${view.name} of ${key} at position ${offset}, T ${asOf_us}: ${JSON.stringify(texts)}, the rows give ${JSON.stringify(wanted)}`,
        );
    }
  }
  const state = new Map(
    task.takeChanges().flatMap(({ key, value }) => (value === null ? [] : [[hex(key), hex(value)]])),
  );
  return { values, state };
}

/** A frame of a session that a newer one replaced is a zombie's: it counts for nothing. */
function isNews({ source, session }: RowsFrame, sessions: Map<string, number>): boolean {
  const id = `${source.table}/${source.partition}`;
  if (session < (sessions.get(id) ?? 0)) return false;
  sessions.set(id, session);
  return true;
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
      const found = JSON.stringify([row.asOf_us, texts]);
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

function compareChangelog(
  name: string,
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
}

/** Per view, every record of the feature log that the offline task has committed is in exactly one file, no other in two. */
async function compareFiles(
  world: World,
  entity: EntityPlan,
  partition: number,
  records: readonly LogRecord[],
  violations: string[],
): Promise<void> {
  const committed = await committedOf(world, 'offline', { topic: featureLogTopic(application, entity), partition });
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
