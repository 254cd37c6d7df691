/**
 * The floor, as a process of its own: messages go through consumer → producer → consumer → HSET with the client's raw API in its
 * settings of lowest latency, and nothing else. Topics have as many partitions as the pipeline's and messages are as large as its
 * envelopes, so that what is left between the two is the work that the pipeline does. Visible is when Redis says so, as for a row.
 */
import { Redis } from 'ioredis';
import { call, newConsumer, newProducer, type ConsumerClient, type Message } from '../../src/log/kafka/client.ts';
import { until } from '../../test/support/until.ts';
import { atRate } from './open-loop.ts';
import type { FloorResult, FloorSetup, FloorTask } from './floor.ts';
import { WallClock } from './wall-clock.ts';

const message_bytes = 620;
const connect_ms = 20_000;
const poll_ms = 100;

interface Sent {
  readonly due_ms: number;
  readonly sent_ms: number;
  readonly measured: boolean;
  visible_ms: number;
}

const setup = JSON.parse(process.argv[2]!) as FloorSetup;
const servers = { 'bootstrap.servers': setup.brokers };
const clock = new WallClock();
const redis = new Redis(setup.redisUrl);
const sent: Sent[] = [];
let visible = 0;

function fail(error: unknown): never {
  console.error('the floor failed:', error);
  process.exit(1);
}

async function openProducer(): Promise<(topic: FloorSetup['hops'][number], i: number, value: Buffer) => void> {
  const producer = newProducer({ ...servers, 'linger.ms': 0, acks: 'all', dr_cb: true });
  producer.on('event.error', fail);
  producer.on('delivery-report', (error) => {
    if (error) fail(error);
  });
  await call((done) => {
    producer.connect({ timeout: connect_ms }, done);
  });
  producer.setPollInBackground(true);
  return ({ topic, partitions }, i, value) => {
    producer.produce(topic, i % partitions, value, null);
  };
}

/** Woken by the client, as the adapter's pump is: no timer on the path. */
async function consume(
  { topic, partitions }: FloorSetup['hops'][number],
  batch: (messages: readonly Message[]) => void,
): Promise<void> {
  const state = { busy: false, again: false };
  const wake = (): void => {
    if (state.busy) {
      state.again = true;
      return;
    }
    state.busy = true;
    state.again = false;
    consumer.consume(1000, (error, messages) => {
      if (error) fail(error);
      if (messages.length > 0) batch(messages);
      state.busy = false;
      if (messages.length > 0 || state.again) wake();
    });
  };
  const consumer: ConsumerClient = newConsumer({
    ...servers,
    'group.id': 'freshness-floor',
    'enable.auto.commit': false,
    'auto.offset.reset': 'error',
    'fetch.wait.max.ms': 100,
    'fetch.queue.backoff.ms': 1,
    queue_non_empty_cb: wake,
  });
  consumer.setDefaultConsumeTimeout(0);
  await call((done) => {
    consumer.connect({ timeout: connect_ms }, done);
  });
  consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })));
  setInterval(wake, poll_ms);
  wake();
}

function write(messages: readonly Message[]): void {
  const pipeline = redis.pipeline();
  const numbers = messages.map(({ value }) => value!.readUInt32LE(0));
  for (const i of numbers) pipeline.hset(`floor:${i}`, 'count', '1', 'last', String(i));
  pipeline.time();
  pipeline.exec().then((answers) => {
    const [seconds, microseconds] = answers!.at(-1)![1] as [string, string];
    for (const i of numbers) sent[i]!.visible_ms = Number(seconds) * 1000 + Number(microseconds) / 1000;
    visible += numbers.length;
  }, fail);
}

async function run({ slices, perSecond }: FloorTask): Promise<FloorResult> {
  for (const slice of slices) {
    await atRate(clock, slice, perSecond, (due_ms) => {
      const value = Buffer.alloc(message_bytes, 'x');
      const i = sent.push({ due_ms, sent_ms: clock.now_ms(), measured: slice.measured, visible_ms: 0 }) - 1;
      value.writeUInt32LE(i, 0);
      produce(setup.hops[0], i, value);
    });
    clock.set();
  }
  await until(
    () => `${visible} of the floor's ${sent.length} messages are in Redis`,
    () => visible === sent.length,
  );
  const measured = sent.filter((message) => message.measured);
  return {
    fromSent_ms: measured.map((message) => message.visible_ms - message.sent_ms),
    fromDue_ms: measured.map((message) => message.visible_ms - message.due_ms),
  };
}

const produce = await openProducer();
await consume(setup.hops[0], (messages) => {
  for (const { value } of messages) produce(setup.hops[1], value!.readUInt32LE(0), value!);
});
await consume(setup.hops[1], write);
process.on('message', (task) => {
  run(task as FloorTask).then((result) => process.send!(result), fail);
});
process.on('disconnect', () => process.exit());
process.send!('ready');
