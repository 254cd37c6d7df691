/** Kafka Streams with a store of as many keys, and values of as many bytes: `benchmarks/peers/kafka-streams`. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LogReader } from '../../src/log/log.ts';
import { deleteTopics } from '../../test/support/captured-shop.ts';
import { until } from '../../test/support/until.ts';
import type { Contender, Restored } from './contender.ts';
import type { Stage } from './stage.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = join(root, 'benchmarks/peers/kafka-streams');
const built = join(root, 'node_modules/.cache/kafka-streams-peer');
const main = 'millrace.bench.LatestValues';
const load_ms = 300_000;
const long_bytes = 8;

export type Guarantee = 'exactly_once_v2' | 'at_least_once';

/** Session and heartbeat as a worker has them, and no waiting for batches, which a worker does not do either. */
const asWorker = [
  'num.stream.threads=1',
  'commit.interval.ms=200',
  'main.consumer.session.timeout.ms=6000',
  'main.consumer.heartbeat.interval.ms=300',
  'producer.linger.ms=0',
  'auto.offset.reset=earliest',
];

/** Compiles the program, and brings its jars, unless that is done. */
export async function buildStreams(): Promise<void> {
  const jar = join(built, 'kafka-streams-peer-1.jar');
  const files = await readdir(sources, { recursive: true, withFileTypes: true });
  const newest = Math.max(...files.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs));
  if (existsSync(jar) && statSync(jar).mtimeMs > newest) return;
  const { status } = spawnSync('mvn', ['-q', '-B', '-f', join(sources, 'pom.xml'), 'package', `-Dbuilt=${built}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error('the Kafka Streams program was not built: it needs maven and a JDK of version 17');
}

export class StreamsContender implements Contender {
  private readonly stage: Stage;
  private readonly guarantee: Guarantee;
  private readonly name: string;
  private readonly input: string;
  private readonly output: string;
  private readonly heap_MiB: number;
  private value_bytes = 0;
  private disk = '';
  private child: ChildProcess | null = null;
  private said: Restored | null = null;
  private outputs = 0;
  /** Newest count of the users that a row came for. */
  private readonly counts = new Map<number, number>();
  private readonly changes = new Map<number, number>();
  private reader: LogReader | null = null;
  private nextUser = 0;

  constructor(stage: Stage, guarantee: Guarantee, heap_MiB: number) {
    this.stage = stage;
    this.guarantee = guarantee;
    this.heap_MiB = heap_MiB;
    this.name = `${stage.id}-${guarantee}`;
    this.input = `${this.name}.input`;
    this.output = `${this.name}.output`;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('no process runs');
    return this.child.pid;
  }

  /** A record of each user, and all of it committed. */
  async load(users: number, value_bytes: number): Promise<void> {
    this.value_bytes = value_bytes;
    await this.newDisk();
    await this.stage.createTopic(this.input);
    await this.stage.createTopic(this.output);
    this.reader = await this.stage.follow(this.output, (records) => {
      this.outputs += records.length;
      for (const { key, value } of records) {
        const user = Number(Buffer.from(key!).readBigInt64BE());
        if (this.changes.has(user)) this.counts.set(user, Number(Buffer.from(value!).readBigInt64BE()));
      }
    });
    for (let user = 0; user < users; user++) await this.put(user);
    await this.stage.flush();
    this.start();
    await until(
      () => `${this.outputs} of ${users} are through`,
      () => this.outputs >= users,
      load_ms,
      200,
    );
    await this.settled();
  }

  async kill(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null) return;
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await ended;
  }

  async loseDisk(): Promise<void> {
    await rm(this.disk, { recursive: true, force: true });
    await this.newDisk();
  }

  start(): void {
    this.said = null;
    const settings = [
      `application.id=${this.name}`,
      `bootstrap.servers=${this.stage.brokers}`,
      `state.dir=${this.disk}`,
      `processing.guarantee=${this.guarantee}`,
      ...asWorker,
    ];
    const child = spawn(
      'java',
      [
        `-Xmx${this.heap_MiB}m`,
        // That states are wiped is logged as an error, and is what is measured here.
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
        '-cp',
        `${join(built, 'classes')}:${join(built, 'lib')}/*`,
        main,
        this.input,
        this.output,
        ...settings,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    // Who started it may be told to end in the middle of anything; the program alone would go on for ever.
    const end = (): unknown => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    this.child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (this.child === child) this.said ??= JSON.parse(line) as Restored;
    });
  }

  async change(): Promise<() => Promise<boolean>> {
    const user = this.nextUser++;
    this.changes.set(user, (this.changes.get(user) ?? 1) + 1);
    await this.put(user);
    await this.stage.flush();
    return () => Promise.resolve((this.counts.get(user) ?? 0) >= this.changes.get(user)!);
  }

  restored(): Restored | null {
    const code = this.child?.exitCode ?? null;
    if (code !== null) throw new Error(`Kafka Streams ended with ${code}`);
    return this.said;
  }

  async settled(): Promise<void> {
    await this.stage.untilCommitted(this.name, this.input);
  }

  async close(): Promise<void> {
    await this.kill();
    await this.reader?.close();
    await rm(this.disk, { recursive: true, force: true });
    await deleteTopics([this.input, this.output, `${this.name}-values-changelog`]);
  }

  private async newDisk(): Promise<void> {
    this.disk = await mkdtemp(join(tmpdir(), 'streams-takeover-'));
  }

  private async put(user: number): Promise<void> {
    const key = Buffer.alloc(long_bytes);
    key.writeBigInt64BE(BigInt(user));
    const value = Buffer.alloc(this.value_bytes);
    // Not the same in each: what a codec makes of a state's bytes is not much less either.
    for (let at = long_bytes; at + 4 <= value.length; at += long_bytes)
      value.writeInt32BE(Math.imul(user + at, 0x9e3779b1), at);
    await this.stage.append(this.input, user, key, value);
  }
}
