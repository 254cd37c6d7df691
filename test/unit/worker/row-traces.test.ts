import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { RetriableError } from '../../../src/errors.ts';
import { encodeRowsFrame, type RowEntry } from '../../../src/frames/row-frame.ts';
import { count, featureView, max, tumbling } from '../../../src/index.ts';
import { partitionOf } from '../../../src/ingest/router.ts';
import type { Log } from '../../../src/log/log.ts';
import { rowSampler, traceIdOf } from '../../../src/observability/row-trace.ts';
import { noTracer, type SpanName, type TraceSpan } from '../../../src/observability/tracer.ts';
import type { OnlineStore } from '../../../src/online/online-store.ts';
import { keyOf } from '../../../src/define/key.ts';
import { entityLogTopic } from '../../../src/worker/topics.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { application, MemoryFleet } from '../../support/memory-worker.ts';
import { recordingTracer, type RecordingTracer } from '../../support/recording-tracer.ts';
import { rowOf, transactions, user, type Transaction } from '../../support/shop.ts';
import { until } from '../../support/until.ts';

const topic = 'dbserver.public.transactions';
const commit_us = Date.now() * 1000 - 250_000;

const plan = buildPlan({
  view: featureView('user_features', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(tumbling('7d')) }),
  }),
  other: featureView('newest', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ newest: max(tx.transaction_id).over(tumbling('7d')) }),
  }),
});
const entity = plan.entities[0]!;

const transaction = (id: number, user = 717_171_717): Transaction => ({
  id,
  user,
  cents: 5_551_234,
  status: 'sentinel',
  location: null,
  time_us: commit_us,
});
const insertion = (id: number): Buffer =>
  envelope({ after: transactionFields(transaction(id)), commit_us: commit_us + id, sequence: [null, id] });

let fleet: MemoryFleet;
let topicId: string;
beforeEach(async () => {
  fleet = await MemoryFleet.create(plan);
  topicId = (await fleet.log.describeTopics([topic])).get(topic)!.id;
});
afterEach(() => fleet.close());

const named = (spans: readonly TraceSpan[], name: SpanName): TraceSpan[] => spans.filter((span) => span.name === name);

function one(spans: readonly TraceSpan[], name: SpanName): TraceSpan {
  const found = named(spans, name);
  expect(found, name).toHaveLength(1);
  return found[0]!;
}

/** All its spans have come, the last one being the commit. */
const traceOf = async (tracer: RecordingTracer, partition: number, offset: number): Promise<readonly TraceSpan[]> => {
  const traceId = traceIdOf({ topicId, partition }, offset);
  const spans = (): TraceSpan[] => tracer.spans.filter((span) => span.traceId === traceId);
  await until('its commit is traced', () => named(spans(), 'commit').length > 0);
  return spans();
};

test('the trace of a row goes from its commit in the database to the commit of its task', async () => {
  const tracer = recordingTracer(1);
  const running = fleet.worker({ tracer });
  await running.worker.start();
  fleet.append(topic, 1, insertion(1));
  await fleet.settled(running);
  const spans = await traceOf(tracer, 1, 0);
  const [source, ingest, apply, commit] = [
    one(spans, 'source'),
    one(spans, 'ingest'),
    one(spans, 'apply'),
    one(spans, 'commit'),
  ];
  expect([source.parentId, ingest.parentId, apply.parentId, commit.parentId]).toEqual([
    null,
    source.spanId,
    ingest.spanId,
    apply.spanId,
  ]);
  const writes = named(spans, 'online write');
  expect(writes.map(({ attributes }) => attributes['millrace.view']).sort()).toEqual(['newest', 'user_features']);
  const written = (await fleet.records(topic)).map(({ timestamp_ms }) => timestamp_ms * 1000);
  expect([source.start_us, source.end_us]).toEqual([commit_us + 1, written[0]]);
  expect(ingest.start_us).toBeGreaterThanOrEqual(source.end_us);
  expect(apply.end_us).toBeGreaterThanOrEqual(apply.start_us);
  expect(apply.start_us).toBeGreaterThanOrEqual(ingest.start_us);
  for (const write of writes) {
    expect(write).toMatchObject({ parentId: apply.spanId, start_us: apply.end_us, error: null });
    expect(write.attributes['millrace.stored']).toBe('this value');
    expect(commit.end_us).toBeGreaterThanOrEqual(write.end_us);
  }
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(6);
});

test('a span says where the row is, and nothing of what is in it', async () => {
  const tracer = recordingTracer(1);
  const running = fleet.worker({ tracer });
  await running.worker.start();
  fleet.append(topic, 1, insertion(1));
  await fleet.settled(running);
  const spans = await traceOf(tracer, 1, 0);
  expect(one(spans, 'apply').attributes).toEqual({
    'millrace.table': 'public.transactions',
    'millrace.source.topic': topic,
    'millrace.source.partition': 1,
    'millrace.source.offset': 0,
    'millrace.operation': 'c',
    'millrace.entity': 'user',
    'millrace.entity.partition': partitionOf(keyOf([717_171_717n], [0])!, 3),
    'millrace.position': 0,
    'millrace.outcome': 'applied',
  });
  expect(JSON.stringify(tracer.spans)).not.toMatch(/717171717|5551234|55512\.34|sentinel/);
});

test('the rows that the sampler takes have a trace, the others have no span at all', async () => {
  const ratio = 0.3;
  const tracer = recordingTracer(ratio);
  const running = fleet.worker({ tracer });
  await running.worker.start();
  const rows = 200;
  for (let id = 0; id < rows; id++) fleet.append(topic, id, insertion(id));
  await fleet.settled(running);
  const expected = [0, 1].flatMap((partition) => {
    const sampler = rowSampler(ratio, { topicId, partition });
    const offsets = Array.from({ length: rows / 2 }, (_, offset) => offset).filter((o) => sampler.isSampled(o));
    return offsets.map((offset) => traceIdOf({ topicId, partition }, offset));
  });
  expect(expected.length).toBeGreaterThan(20);
  expect(expected.length).toBeLessThan(100);
  await until('all are committed', () => named(tracer.spans, 'commit').length === expected.length);
  for (const name of ['source', 'ingest', 'apply', 'commit'] as const)
    expect(
      named(tracer.spans, name)
        .map(({ traceId }) => traceId)
        .sort(),
      name,
    ).toEqual([...expected].sort());
  expect(new Set(tracer.spans.map(({ traceId }) => traceId)).size).toBe(expected.length);
});

test('without a tracer, or with a ratio of 0, nothing is recorded', async () => {
  const untraced = {
    ...noTracer,
    record: () => {
      throw new Error('a span, though nothing is to be traced');
    },
  };
  const running = fleet.worker({ tracer: untraced });
  await running.worker.start();
  for (let id = 0; id < 20; id++) fleet.append(topic, id, insertion(id));
  await fleet.settled(running);
  expect(running.failures).toEqual([]);
});

test('two processes tell of one trace: the task names the span of the ingest as its parent', async () => {
  const [ingesting, applying] = [recordingTracer(1), recordingTracer(1)];
  const ingest = fleet.worker({ tracer: ingesting, roles: ['ingest'] });
  const task = fleet.worker({ tracer: applying, roles: ['entity'] });
  await task.worker.start();
  await ingest.worker.start();
  fleet.append(topic, 0, insertion(2));
  await fleet.settled(ingest);
  const applied = await traceOf(applying, 0, 0);
  expect(new Set(ingesting.spans.map(({ name }) => name))).toEqual(new Set(['source', 'ingest']));
  expect(one(applied, 'apply').parentId).toBe(one(ingesting.spans, 'ingest').spanId);
  expect(one(applied, 'apply').traceId).toBe(one(ingesting.spans, 'ingest').traceId);
});

test('a row that moves to another key is applied in two places, below one ingest', async () => {
  const from = 1;
  const into = Array.from({ length: 50 }, (_, i) => i + 2).find((id) => partitionAt(id) !== partitionAt(from))!;
  const tracer = recordingTracer(1);
  const running = fleet.worker({ tracer });
  await running.worker.start();
  const before = transaction(1, from);
  fleet.append(topic, 1, envelope({ after: transactionFields(before), commit_us, sequence: [null, 1] }));
  const moved = { op: 'u', before: transactionFields(before), after: transactionFields(transaction(1, into)) } as const;
  fleet.append(topic, 1, envelope({ ...moved, commit_us, sequence: [null, 2] }));
  await fleet.settled(running);
  await until('both are committed', () => named(tracer.spans, 'commit').length === 3);
  const spans = await traceOf(tracer, 1, 1);
  const ingest = one(spans, 'ingest');
  expect(ingest.attributes['millrace.frames']).toBe(2);
  const applied = named(spans, 'apply');
  expect(applied.map(({ parentId }) => parentId)).toEqual([ingest.spanId, ingest.spanId]);
  expect(applied.map(({ attributes }) => attributes['millrace.entity.partition']).sort()).toEqual(
    [partitionAt(from), partitionAt(into)].sort(),
  );
  expect(named(spans, 'online write')).toHaveLength(4);
});

test('a row that an ingest repeats is told to have been seen before, and causes nothing', async () => {
  const tracer = recordingTracer(1);
  const running = fleet.worker({ tracer, roles: ['entity'] });
  await running.worker.start();
  const producer = await fleet.log.producer({ name: 'test', failed: () => undefined });
  const key = partitionAt(717_171_717);
  const append = (session: number, offsets: readonly number[]): void => {
    const source = { table: 0, topicId, partition: 0, partitionCount: 2 };
    const marks = { data_us: -Infinity, clock_us: -Infinity };
    const rows = offsets.map((offset): RowEntry => ({ ...row, offset, after: rowOf(transaction(offset)) }));
    producer.append(
      entityLogTopic(application, entity),
      key,
      null,
      encodeRowsFrame(entity, { source, session, number: 0, marks, rows }),
    );
  };
  const row = { operation: 'c', commit_us, ingest_ms: commit_us / 1000, routes: 2, before: null } as const;
  append(1, [1]);
  append(2, [1, 2]);
  await until('both are committed', () => named(tracer.spans, 'commit').length === 2);
  expect(
    named(tracer.spans, 'apply').map(({ attributes: of }) => [of['millrace.source.offset'], of['millrace.outcome']]),
  ).toEqual([
    [1, 'applied'],
    [1, 'seen before'],
    [2, 'applied'],
  ]);
  expect(named(tracer.spans, 'online write')).toHaveLength(4);
});

test('a commit that fails is in the trace, and so is what is done again', async () => {
  let refusals = 1;
  const log: Log = {
    ...fleet.log,
    transactor: async (options) => {
      const transactor = await fleet.log.transactor(options);
      return {
        close: () => transactor.close(),
        commit: (...args) =>
          refusals-- > 0
            ? Promise.reject(new RetriableError('transaction-failed', 'refused for a test'))
            : transactor.commit(...args),
      };
    },
  };
  const tracer = recordingTracer(1);
  const running = fleet.worker({ tracer, log });
  await running.worker.start();
  fleet.append(topic, 1, insertion(1));
  await until('it is committed', () => named(tracer.spans, 'commit').some(({ error }) => error === null));
  const spans = await traceOf(tracer, 1, 0);
  expect(named(spans, 'commit').map(({ error }) => error)).toEqual(['refused for a test', null]);
  expect(named(spans, 'apply')).toHaveLength(2);
  expect(named(spans, 'apply').map(({ spanId }) => spanId)).toEqual(
    named(spans, 'commit').map(({ parentId }) => parentId),
  );
});

test('a value that waits for the online store has a long write in its trace', async () => {
  let away = true;
  const online: OnlineStore = {
    ...fleet.online,
    read: (keys) => fleet.online.read(keys),
    upsert: (writes, canaries) =>
      away
        ? Promise.reject(new RetriableError('store-unavailable', 'away for a test'))
        : fleet.online.upsert(writes, canaries),
  };
  const tracer = recordingTracer(1);
  const running = fleet.worker({ tracer, online });
  await running.worker.start();
  for (const id of [1, 3]) fleet.append(topic, id, insertion(id));
  await until('both are applied', () => named(tracer.spans, 'apply').length === 2);
  expect(named(tracer.spans, 'online write')).toEqual([]);
  away = false;
  await fleet.settled(running);
  const spans = await traceOf(tracer, 1, 0);
  const [apply] = named(spans, 'apply');
  for (const write of named(spans, 'online write')) expect(write.end_us - apply!.end_us).toBeGreaterThan(0);
  expect(named(tracer.spans, 'online write')).toHaveLength(4);
});

const partitionAt = (user: number): number => partitionOf(keyOf([BigInt(user)], [0])!, entity.partitions);
