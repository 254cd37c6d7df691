/** `millrace doctor`: everything around the workers, against the definitions. Changes nothing but a probe object in the bucket. */
import type { Config } from '../config/config.ts';
import type { Plan } from '../define/plan.ts';
import { messageOf } from '../errors.ts';
import { createS3ObjectStore } from '../offline/s3/s3-object-store.ts';
import { inspectRedis } from '../online/redis/inspect-redis.ts';
import { connectorFindings, type ConnectorState } from '../operate/connector-findings.ts';
import { fault, fine, type Finding } from '../operate/findings.ts';
import { postgresFindings } from '../operate/postgres-findings.ts';
import { inspectPostgres } from '../operate/postgres/inspect-postgres.ts';
import { redisFindings } from '../operate/redis-findings.ts';
import { topicFindings } from '../operate/topic-findings.ts';
import { internalTopics } from '../worker/topics.ts';
import { loadConfig } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import { hideCredentials } from '../util/secrets.ts';
import { loadDefinitions } from './load-definitions.ts';
import { withLog } from './operator-log.ts';
import { sayFindings, type OutputOptions } from './output.ts';

const answer_ms = 10_000;

export interface DoctorOptions extends OutputOptions {
  /** `postgres://…`; not looked at without. */
  readonly postgres?: string;
  /** Of Kafka Connect, with the connector's name: `http://host:8083/connectors/shop`. */
  readonly connector?: string;
}

export async function runDoctor(definitions: string, options: DoctorOptions): Promise<void> {
  const config = loadConfig(environment, 'operator');
  const plan = await loadDefinitions(definitions);
  const findings = [
    fine(
      'definitions',
      `${plan.entities.length} entities, ${plan.entities.flatMap(({ views }) => views).length} views`,
    ),
    ...(await looking('postgres', 'check the address and the login', options.postgres, (url) =>
      lookAtPostgres(url, plan),
    )),
    ...(await looking('connector', 'check the address', options.connector, (url) => lookAtConnector(url, plan))),
    ...(await looking('kafka', 'check MILLRACE_KAFKA_BROKERS and the login', config.kafka['bootstrap.servers'], () =>
      lookAtTopics(plan),
    )),
    ...(await looking('redis', 'check MILLRACE_REDIS_URL and the login', config.redis.url, () => lookAtRedis(config))),
    ...(await looking('s3', 'check MILLRACE_S3_* and the credentials', config.s3.bucket, () => lookAtBucket(config))),
  ];
  sayFindings(options, findings);
}

/** What cannot be looked at is a fault of its own, and does not keep the others from being looked at. */
async function looking(
  what: string,
  fix: string,
  address: string | undefined,
  look: (address: string) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  if (address === undefined || address === '') return [];
  try {
    return await look(address);
  } catch (error) {
    return [fault(what, hideCredentials(messageOf(error)), fix)];
  }
}

async function lookAtPostgres(url: string, plan: Plan): Promise<Finding[]> {
  const tables = plan.entities.flatMap((entity) => entity.tables.map(({ name }) => name));
  return postgresFindings(plan, await inspectPostgres(url, [...new Set(tables)]));
}

async function lookAtConnector(url: string, plan: Plan): Promise<Finding[]> {
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url.replace(/\/$/, '')}/${path}`, { signal: AbortSignal.timeout(answer_ms) });
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
    return answer.json();
  };
  const config = (await get('config')) as ConnectorState['config'];
  const status = (await get('status')) as ConnectStatus;
  const trace = status.tasks.find((task) => task.trace !== undefined)?.trace?.split('\n')[0] ?? null;
  const states = [status.connector.state, ...status.tasks.map(({ state }) => state)];
  return connectorFindings(url.replace(/\/$/, '').split('/').at(-1)!, plan, { config, states, trace });
}

/** As Kafka Connect answers. */
interface ConnectStatus {
  readonly connector: { readonly state: string };
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}

function lookAtTopics(plan: Plan): Promise<readonly Finding[]> {
  return withLog(async (log, { applicationId }) => {
    const internal = internalTopics(applicationId, plan);
    const sources = plan.entities.flatMap(({ tables }) =>
      tables.flatMap((table) => [table.topic, table.heartbeatTopic]),
    );
    return topicFindings(plan, internal, await log.describeTopics([...sources, ...internal.map(({ name }) => name)]));
  });
}

async function lookAtRedis({ redis }: Config): Promise<Finding[]> {
  return redisFindings(await inspectRedis(redis));
}

async function lookAtBucket({ s3 }: Config): Promise<Finding[]> {
  const store = createS3ObjectStore(s3);
  try {
    await store.probe();
    return [fine(`bucket ${s3.bucket}`, 'can be written, and refuses a second create')];
  } finally {
    await store.close();
  }
}
