/** A shop in a database of its own, captured by a Debezium connector of its own, both made anew. */
import kafka from '@confluentinc/kafka-javascript';
import pg from 'pg';
import { createKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { systemClock } from '../../src/time/clock.ts';
import { until } from './until.ts';

const env = (name: string): string => process.env[name]!;

const tables = `
  create table public.transactions (
    transaction_id bigint primary key,
    user_id bigint not null,
    amount numeric(12, 2) not null,
    status text not null,
    location text,
    transaction_time timestamp(3) not null,
    merchant text not null default 'kiosk'
  );
  alter table public.transactions replica identity full;
  create table public.debezium_signal (id text primary key, type text not null, data text);
`;

export class CapturedShop {
  readonly prefix: string;
  readonly db: pg.Pool;
  private readonly name: string;

  private constructor(prefix: string) {
    this.prefix = prefix;
    this.name = `e2e_${prefix}`;
    this.db = new pg.Pool({ connectionString: databaseUrl(this.name), max: 4 });
  }

  /** Removes what an earlier run left, makes the database, its tables, and the empty source topic. The connector is not yet there. */
  static async create(prefix: string, topicConfig: Readonly<Record<string, string>> = {}): Promise<CapturedShop> {
    const shop = new CapturedShop(prefix);
    await shop.removeConnector();
    await shop.deleteTopics();
    await shop.admin(`drop database if exists ${shop.name} with (force)`);
    await shop.admin(`create database ${shop.name}`);
    await shop.db.query(tables);
    await shop.createTopic(topicConfig);
    return shop;
  }

  get topic(): string {
    return `${this.prefix}.public.transactions`;
  }

  /** Starts the connector; resolves when it streams. */
  async capture(): Promise<void> {
    const answer = await connect('PUT', `/connectors/${this.name}/config`, this.connectorConfig());
    if (!answer.ok) throw new Error(`the connector was refused: ${await answer.text()}`);
    await this.untilStreaming();
  }

  /** Its slot is in use; of a connector that was killed, once it is there again. */
  async untilStreaming(): Promise<void> {
    await until('the connector streams', async () => (await this.activeSlots()) === 1, 60_000, 100);
  }

  /** Asks the connector to read the table once more, beside the stream. */
  async requestIncrementalSnapshot(): Promise<void> {
    const data = JSON.stringify({ 'data-collections': ['public.transactions'], type: 'incremental' });
    await this.db.query(`insert into public.debezium_signal values ('again', 'execute-snapshot', $1)`, [data]);
  }

  async close(): Promise<void> {
    await this.removeConnector();
    await this.db.end();
  }

  /** Closes it, and leaves nothing behind. */
  async remove(): Promise<void> {
    await this.close();
    await this.deleteTopics();
    await this.admin(`drop database if exists ${this.name} with (force)`);
  }

  /** Of its database. */
  get databaseUrl(): string {
    return databaseUrl(this.name);
  }

  private async activeSlots(): Promise<number> {
    const { rows } = await this.db.query<{ n: string }>(
      'select count(*) as n from pg_replication_slots where slot_name = $1 and active',
      [this.name],
    );
    return Number(rows[0]!.n);
  }

  private async admin(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: env('POSTGRES_URL') });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  private async removeConnector(): Promise<void> {
    const path = `/connectors/${this.name}`;
    if ((await connect('GET', path)).status !== 404) {
      await connect('PUT', `${path}/stop`);
      await until(
        'the connector’s offsets are gone',
        async () => (await connect('DELETE', `${path}/offsets`)).ok,
        30_000,
        200,
      );
      await connect('DELETE', path);
    }
    const drop = `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${this.name}' and not active`;
    await this.admin(drop);
  }

  private async createTopic(config: Readonly<Record<string, string>>): Promise<void> {
    const settings = { 'bootstrap.servers': env('MILLRACE_KAFKA_BROKERS') };
    const log = await createKafkaLog({ settings, clock: systemClock, logger: silentLogger });
    await log.ensureTopics([{ name: this.topic, partitions: 3, config }]);
    await log.close();
  }

  private async deleteTopics(): Promise<void> {
    await deleteTopics([this.topic, `__debezium-heartbeat.${this.prefix}`]);
  }

  private connectorConfig(): Record<string, string> {
    const url = new URL(databaseUrl(this.name));
    return {
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'tasks.max': '1',
      'database.hostname': url.hostname,
      'database.port': url.port,
      'database.user': url.username,
      'database.dbname': this.name,
      'plugin.name': 'pgoutput',
      'slot.name': this.name,
      'publication.autocreate.mode': 'filtered',
      'topic.prefix': this.prefix,
      'table.include.list': 'public.transactions,public.debezium_signal',
      'signal.data.collection': 'public.debezium_signal',
      'snapshot.mode': 'initial',
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'microseconds',
      'skipped.operations': 'none',
      'extended.headers.enabled': 'false',
      'heartbeat.interval.ms': '1000',
      'poll.interval.ms': '1',
      'producer.override.linger.ms': '0',
      'topic.creation.default.partitions': '3',
      'topic.creation.default.replication.factor': '1',
    };
  }
}

/** Deletes the topics that there are. */
export async function deleteTopics(topics: readonly string[]): Promise<void> {
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': env('MILLRACE_KAFKA_BROKERS') });
  for (const topic of topics) {
    await new Promise<void>((resolve) => {
      admin.deleteTopic(topic, 10_000, () => {
        resolve();
      });
    });
  }
  admin.disconnect();
}

function databaseUrl(name: string): string {
  const url = new URL(env('POSTGRES_URL'));
  url.pathname = `/${name}`;
  return url.href;
}

function connect(method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${env('CONNECT_URL')}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
}
