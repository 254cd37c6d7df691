/** The configuration of a process: the environment, or the same keys in a JSON file. This folder alone reads the environment. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { InvalidError, messageOf } from '../errors.ts';
import { hideCredentials, isSecretName } from '../util/secrets.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
/** What the process is to do decides what must be set. */
export type Purpose = 'worker' | 'dev' | 'republish' | 'operator';

const whole = (minimum: number): z.ZodType<number> =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= minimum, `must be at least ${minimum}`);

const roles = ['ingest', 'entity', 'offline'] as const;

const variables = {
  MILLRACE_APPLICATION_ID: z
    .string()
    .regex(
      /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/,
      'must be letters, digits, ".", "_", "-": topics and groups are named after it',
    ),
  MILLRACE_KAFKA_BROKERS: z
    .string()
    .regex(/^[^,\s]+:\d+(,[^,\s]+:\d+)*$/, 'must be host:port, several separated by commas'),
  MILLRACE_GROUP_INSTANCE_ID: z
    .string()
    .regex(/^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/, 'must be at most 249 letters, digits, ".", "_", "-"'),
  MILLRACE_REDIS_URL: z.string().regex(/^rediss?:\/\//, 'must start with redis:// or rediss://'),
  MILLRACE_REDIS_USERNAME: z.string(),
  MILLRACE_REDIS_PASSWORD: z.string(),
  MILLRACE_REDIS_COMMAND_TIMEOUT_MS: whole(1),
  MILLRACE_S3_BUCKET: z.string().min(3, 'must be the name of a bucket'),
  MILLRACE_S3_ENDPOINT: z.url('must be a URL such as https://s3.eu-north-1.amazonaws.com'),
  MILLRACE_S3_PREFIX: z.string(),
  MILLRACE_S3_REGION: z.string(),
  MILLRACE_HTTP_HOST: z.string(),
  MILLRACE_HTTP_PORT: whole(0).refine((port) => port < 65_536, 'must be below 65536'),
  MILLRACE_ROLES: z
    .string()
    .transform((text) => text.split(',').map((role) => role.trim()))
    .pipe(z.array(z.enum(roles, `must be some of ${roles.join(', ')}, separated by commas`))),
  MILLRACE_STATE_DIR: z.string(),
  MILLRACE_COMMIT_INTERVAL_MS: whole(10),
  MILLRACE_MEMORY_BYTES: whole(268_435_456),
  MILLRACE_STATE_CACHE_BYTES: whole(0),
  MILLRACE_SNAPSHOT_BYTES: whole(1024),
  MILLRACE_STATE_SNAPSHOT_INTERVAL_MS: whole(0).refine(
    (value) => value === 0 || value >= 1000,
    'must be 0 (no snapshots) or at least 1000',
  ),
  MILLRACE_WARM_UP_MS: whole(0),
  MILLRACE_STANDBY_INTERVAL_MS: whole(0).refine(
    (value) => value === 0 || value >= 1000,
    'must be 0 (no standby copies) or at least 1000',
  ),
  MILLRACE_FLUSH_ROWS: whole(1),
  MILLRACE_FLUSH_BYTES: whole(1024),
  MILLRACE_FLUSH_AGE_MS: whole(100),
  MILLRACE_WORKERS: z.string(),
  MILLRACE_TRACE_RATIO: z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?|\.\d+)$/, 'must be a number from 0 (no row is traced) to 1 (every row)')
    .transform(Number),
  MILLRACE_TRACE_ENDPOINT: z.url({
    protocol: /^https?$/,
    error: 'must be the URL that takes spans, such as http://collector:4318/v1/traces',
  }),
  MILLRACE_LOG_LEVEL: z.enum(
    ['debug', 'info', 'warn', 'error', 'silent'],
    'must be debug, info, warn, error or silent',
  ),
} as const;

type Variable = keyof typeof variables;

const examples: Partial<Record<Variable, string>> = {
  MILLRACE_KAFKA_BROKERS: 'localhost:9092',
  MILLRACE_REDIS_URL: 'redis://localhost:6379',
  MILLRACE_S3_BUCKET: 'features',
};

export interface Config {
  readonly applicationId: string;
  /** Settings of the Kafka client by librdkafka's names. */
  readonly kafka: Readonly<Record<string, string>>;
  /** Names this process in its consumer groups, so that it is known when it comes back. */
  readonly groupInstanceId?: string;
  readonly redis: {
    readonly url: string;
    readonly username?: string;
    readonly password?: string;
    readonly commandTimeout_ms: number;
  };
  readonly s3: {
    readonly bucket: string;
    readonly endpoint?: string;
    readonly prefix: string;
    readonly region: string;
  };
  readonly http: { readonly host: string; readonly port: number };
  readonly roles: readonly (typeof roles)[number][];
  /** Where the entity tasks' state stands on disk. */
  readonly stateDir: string;
  readonly commitInterval_ms: number;
  /** What the process may take; absent: what its container or machine has. */
  readonly memory_bytes?: number;
  /** Of it, what the states of keys may take; absent: a share. */
  readonly stateCache_bytes?: number;
  readonly snapshot_bytes: number;
  /** 0: no snapshots of state. */
  readonly stateSnapshotInterval_ms: number;
  /** Of the states of tasks that other workers serve. */
  readonly copies: { readonly warmUp_ms: number; readonly standbyInterval_ms: number };
  readonly flush: { readonly rows: number; readonly bytes: number; readonly age_ms: number };
  /** Where the workers of the fleet are, for `millrace status`. */
  readonly workers?: string;
  readonly trace: {
    /** The share of rows that is traced, 0 to 1. */
    readonly ratio: number;
    readonly endpoint?: string;
  };
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/**
 * The configuration from `MILLRACE_*` variables; a JSON object of the same keys in the file that `MILLRACE_CONFIG_FILE` names stands
 * below them. `MILLRACE_KAFKA_SASL_USERNAME` and its like become settings of the Kafka client (`sasl.username`).
 * @throws InvalidError `config-invalid` with one line per fault, all at once.
 */
export function loadConfig(environment: Environment, purpose: Purpose): Config {
  const problems: string[] = [];
  const given = { ...fromFile(environment['MILLRACE_CONFIG_FILE'], problems), ...own(environment) };
  const values = new Map<Variable, unknown>();
  const kafka: Record<string, string> = {};
  for (const [name, text] of Object.entries(given)) {
    if (name === 'MILLRACE_CONFIG_FILE') continue;
    if (name in variables) {
      const parsed = variables[name as Variable].safeParse(text);
      if (parsed.success) values.set(name as Variable, parsed.data);
      else problems.push(`${name} is "${shown(name, text)}": ${parsed.error.issues[0]!.message}`);
    } else if (name.startsWith('MILLRACE_KAFKA_'))
      kafka[name.slice('MILLRACE_KAFKA_'.length).toLowerCase().replaceAll('_', '.')] = text;
    else problems.push(`${name} is not a setting; did you mean ${nearest(name)}?`);
  }
  // Roles that are wrong say nothing of what else is needed.
  const rolesGiven = 'MILLRACE_ROLES' in given ? (values.get('MILLRACE_ROLES') as Config['roles'] | undefined) : roles;
  const snapshots = Number(values.get('MILLRACE_STATE_SNAPSHOT_INTERVAL_MS') ?? 0) > 0;
  for (const name of required(purpose, rolesGiven ?? [], snapshots)) {
    if (!(name in given)) problems.push(`${name} is not set; for example ${name}=${examples[name] ?? ''}`);
  }
  if (problems.length > 0) throw new InvalidError('config-invalid', 'The configuration has faults:', problems);
  return assemble(values, kafka);
}

function required(purpose: Purpose, rolesGiven: Config['roles'], snapshots: boolean): Variable[] {
  if (purpose === 'dev') return [];
  if (purpose === 'operator') return ['MILLRACE_KAFKA_BROKERS'];
  if (purpose === 'republish') return ['MILLRACE_KAFKA_BROKERS', 'MILLRACE_REDIS_URL'];
  const needsObjects = rolesGiven.includes('offline') || (rolesGiven.includes('entity') && snapshots);
  return [
    'MILLRACE_KAFKA_BROKERS',
    ...(rolesGiven.includes('entity') ? (['MILLRACE_REDIS_URL'] as const) : []),
    ...(needsObjects ? (['MILLRACE_S3_BUCKET'] as const) : []),
  ];
}

function own(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment).filter(
    ([name, text]) => name.startsWith('MILLRACE_') && text !== undefined && text !== '',
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

function fromFile(path: string | undefined, problems: string[]): Record<string, string> {
  if (path === undefined || path === '') return {};
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new SyntaxError();
    const entries = Object.entries(parsed).map(([name, value]): [string, string] => [name, String(value)]);
    return Object.fromEntries(entries.filter(([, text]) => text !== ''));
  } catch (error) {
    // The parser's message quotes the file, and the file may hold secrets.
    const why = error instanceof SyntaxError ? 'it is not one JSON object of settings' : messageOf(error);
    problems.push(`MILLRACE_CONFIG_FILE is "${path}": ${why}`);
    return {};
  }
}

function assemble(values: ReadonlyMap<Variable, unknown>, kafka: Record<string, string>): Config {
  const get = <T>(name: Variable, fallback: T): T => (values.get(name) as T | undefined) ?? fallback;
  const optional = <Key extends string>(key: Key, name: Variable): Partial<Record<Key, string>> =>
    values.has(name) ? ({ [key]: values.get(name) } as Record<Key, string>) : {};
  const optionalNumber = <Key extends string>(key: Key, name: Variable): Partial<Record<Key, number>> =>
    values.has(name) ? ({ [key]: values.get(name) } as Record<Key, number>) : {};
  const brokers = values.get('MILLRACE_KAFKA_BROKERS') as string | undefined;
  return {
    applicationId: get('MILLRACE_APPLICATION_ID', 'millrace'),
    kafka: { ...kafka, ...(brokers === undefined ? {} : { 'bootstrap.servers': brokers }) },
    ...optional('groupInstanceId', 'MILLRACE_GROUP_INSTANCE_ID'),
    redis: {
      url: get('MILLRACE_REDIS_URL', ''),
      commandTimeout_ms: get('MILLRACE_REDIS_COMMAND_TIMEOUT_MS', 2000),
      ...optional('username', 'MILLRACE_REDIS_USERNAME'),
      ...optional('password', 'MILLRACE_REDIS_PASSWORD'),
    },
    s3: {
      bucket: get('MILLRACE_S3_BUCKET', ''),
      prefix: get('MILLRACE_S3_PREFIX', ''),
      region: get('MILLRACE_S3_REGION', 'us-east-1'),
      ...optional('endpoint', 'MILLRACE_S3_ENDPOINT'),
    },
    http: { host: get('MILLRACE_HTTP_HOST', '0.0.0.0'), port: get('MILLRACE_HTTP_PORT', 8080) },
    roles: get('MILLRACE_ROLES', roles),
    stateDir: get('MILLRACE_STATE_DIR', 'millrace-state'),
    commitInterval_ms: get('MILLRACE_COMMIT_INTERVAL_MS', 200),
    ...optionalNumber('memory_bytes', 'MILLRACE_MEMORY_BYTES'),
    ...optionalNumber('stateCache_bytes', 'MILLRACE_STATE_CACHE_BYTES'),
    snapshot_bytes: get('MILLRACE_SNAPSHOT_BYTES', 256 * 1024 * 1024),
    stateSnapshotInterval_ms: get('MILLRACE_STATE_SNAPSHOT_INTERVAL_MS', 0),
    copies: {
      warmUp_ms: get('MILLRACE_WARM_UP_MS', 60_000),
      standbyInterval_ms: get('MILLRACE_STANDBY_INTERVAL_MS', 0),
    },
    flush: {
      rows: get('MILLRACE_FLUSH_ROWS', 100_000),
      bytes: get('MILLRACE_FLUSH_BYTES', 64 * 1024 * 1024),
      age_ms: get('MILLRACE_FLUSH_AGE_MS', 60_000),
    },
    ...optional('workers', 'MILLRACE_WORKERS'),
    trace: { ratio: get('MILLRACE_TRACE_RATIO', 0), ...optional('endpoint', 'MILLRACE_TRACE_ENDPOINT') },
    logLevel: get('MILLRACE_LOG_LEVEL', 'info'),
  };
}

/** A value as it may stand in a message. */
const shown = (name: string, text: string): string => (isSecretName(name) ? '…' : hideCredentials(text));

/** The configuration for the log at start: secrets are replaced. */
export function describeConfig(config: Config): object {
  const kafka = Object.fromEntries(Object.entries(config.kafka).map(([name, text]) => [name, shown(name, text)]));
  const { url, username, commandTimeout_ms } = config.redis;
  const redis = { url: hideCredentials(url), username, commandTimeout_ms };
  const { endpoint } = config.s3;
  const s3 = endpoint === undefined ? config.s3 : { ...config.s3, endpoint: hideCredentials(endpoint) };
  const trace =
    config.trace.endpoint === undefined
      ? config.trace
      : { ...config.trace, endpoint: hideCredentials(config.trace.endpoint) };
  return { ...config, kafka, redis, s3, trace };
}

/** The known name that shares the most pairs of neighbouring letters. */
function nearest(name: string): string {
  const pairs = (text: string): Set<string> => new Set(Array.from(text, (_, i) => text.slice(i, i + 2)));
  const wanted = pairs(name);
  const score = (candidate: string): number => {
    const found = pairs(candidate);
    return [...found].filter((pair) => wanted.has(pair)).length / (found.size + wanted.size);
  };
  return Object.keys(variables).reduce((best, candidate) => (score(candidate) > score(best) ? candidate : best));
}
