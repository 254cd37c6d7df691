/** Topics: creating the missing, describing what is there. */
import { FatalError, MillraceError } from '../../errors.ts';
import { sleep } from '../../time/clock.ts';
import type { TopicInfo, TopicSpec } from '../log.ts';
import type { Admin } from './admin.ts';
import { call, type Callback, type ClientError, type ClusterMetadata, codes, type TopicDescription } from './client.ts';
import type { Surroundings } from './connection.ts';
import { isPassing, retrying } from './retry.ts';

const request_ms = 5000;
const creation_ms = 30_000;
const visible_ms = 30_000;
const look_ms = 50;

export interface TopicsOptions {
  readonly admin: Admin;
  readonly surroundings: Surroundings;
  /** -1: the broker's default. */
  readonly replication: number;
  readonly goOn: () => void;
}

/** Creates what is missing, then waits until every partition has a leader. */
export async function ensureTopics(options: TopicsOptions, specs: readonly TopicSpec[]): Promise<void> {
  const names = specs.map((spec) => spec.name);
  const there = await describe(options, names);
  for (const spec of specs) checkPartitions(spec, there.get(spec.name));
  await Promise.all(specs.filter((spec) => !there.has(spec.name)).map((spec) => create(options, spec)));

  const { clock } = options.surroundings;
  const deadline_ms = clock.monotonic_ms() + visible_ms;
  for (;;) {
    const seen = await describe(options, names);
    for (const spec of specs) checkPartitions(spec, seen.get(spec.name));
    const waiting = specs.filter((spec) => seen.get(spec.name)?.ready !== true);
    if (waiting.length === 0) return;
    if (clock.monotonic_ms() > deadline_ms) {
      throw new FatalError(
        'log-unavailable',
        `topics without a leader ${visible_ms} ms after their creation: ${waiting.map(({ name }) => name).join(', ')}; check the brokers`,
      );
    }
    await sleep(clock, look_ms);
  }
}

export async function describeTopics(
  options: TopicsOptions,
  names: readonly string[],
): Promise<ReadonlyMap<string, TopicInfo>> {
  const described = await describe(options, names);
  return new Map([...described].map(([name, { id, partitions }]) => [name, { name, id, partitions }]));
}

export async function topicNames({ admin, surroundings, goOn }: TopicsOptions): Promise<readonly string[]> {
  const metadata = await retrying({ ...surroundings, what: 'listing topics', goOn }, () =>
    call<ClusterMetadata>((done) => {
      admin.client.getMetadata({ timeout: request_ms }, done as Callback<unknown>);
    }),
  );
  return metadata.topics.map(({ name }) => name);
}

interface Described {
  readonly id: string;
  readonly partitions: number;
  /** Every partition has a leader. */
  readonly ready: boolean;
}

async function describe(options: TopicsOptions, names: readonly string[]): Promise<Map<string, Described>> {
  const { admin, surroundings, goOn } = options;
  const found = new Map<string, Described>();
  if (names.length === 0) return found;
  const attempt = async (): Promise<TopicDescription[]> => {
    const answers = await call<TopicDescription[]>((done) => {
      admin.client.describeTopics([...new Set(names)], { timeout: request_ms }, done);
    });
    const failed = answers.find(({ error }) => error !== undefined && error.code !== codes.unknownTopicOrPartition);
    if (failed?.error !== undefined) throw failed.error;
    return answers;
  };
  for (const { name, topicId, partitions, error } of await retrying(
    { ...surroundings, what: 'describing topics', goOn },
    attempt,
  )) {
    if (error !== undefined) continue;
    const ready = partitions.every(({ leader }) => leader !== null);
    found.set(name, {
      id: hex(topicId.mostSignificantBits) + hex(topicId.leastSignificantBits),
      partitions: partitions.length,
      ready,
    });
  }
  return found;
}

const hex = (bits: bigint): string => BigInt.asUintN(64, bits).toString(16).padStart(16, '0');

function checkPartitions(spec: TopicSpec, found: Described | undefined): void {
  if (found === undefined || found.partitions === spec.partitions) return;
  throw new FatalError(
    'topic-mismatch',
    `topic ${spec.name} has ${found.partitions} partitions, the definition says ${spec.partitions}; raise the generation of the entity, or set partitions back`,
  );
}

async function create({ admin, surroundings, replication, goOn }: TopicsOptions, spec: TopicSpec): Promise<void> {
  const topic = {
    topic: spec.name,
    num_partitions: spec.partitions,
    replication_factor: replication,
    config: spec.config,
  };
  try {
    await retrying({ ...surroundings, what: `creating topic ${spec.name}`, goOn }, () =>
      call((done) => {
        admin.client.createTopic(topic, creation_ms, (error) => {
          done(error, undefined);
        });
      }),
    );
  } catch (error) {
    const { code, message } = error as ClientError;
    if (code === codes.topicExists) return; // Another worker was first.
    if (isPassing(error) || error instanceof MillraceError) throw error;
    throw new FatalError(
      'topic-missing',
      `topic ${spec.name} could not be created (${message}); create it with ${spec.partitions} partitions, or allow Millrace to`,
      { cause: error },
    );
  }
}
