import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeConfig, loadConfig, type Environment, type Purpose } from '../../../src/config/config.ts';
import { InvalidError } from '../../../src/errors.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function file(content: unknown): string {
  const path = join(folder, 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function faultsOf(environment: Environment, purpose: Purpose = 'dev'): readonly string[] {
  try {
    loadConfig(environment, purpose);
  } catch (error) {
    if (error instanceof InvalidError && error.code === 'config-invalid') return error.problems;
    throw error;
  }
  return [];
}

const whole: Environment = {
  MILLRACE_KAFKA_BROKERS: 'a:9092,b:9093',
  MILLRACE_REDIS_URL: 'redis://localhost:6379',
  MILLRACE_S3_BUCKET: 'features',
};

test('nothing need be set for dev', () => {
  expect(loadConfig({}, 'dev')).toEqual({
    applicationId: 'millrace',
    kafka: {},
    redis: { url: '', commandTimeout_ms: 2000 },
    s3: { bucket: '', prefix: '', region: 'us-east-1' },
    http: { host: '0.0.0.0', port: 8080 },
    roles: ['ingest', 'entity', 'offline'],
    stateDir: 'millrace-state',
    commitInterval_ms: 200,
    snapshot_bytes: 268_435_456,
    stateSnapshotInterval_ms: 0,
    copies: { warmUp_ms: 60_000, standbyInterval_ms: 0 },
    flush: { rows: 100_000, bytes: 67_108_864, age_ms: 60_000 },
    trace: { ratio: 0 },
    logLevel: 'info',
  });
});

test('every variable arrives where it is used', () => {
  const config = loadConfig(
    {
      ...whole,
      MILLRACE_APPLICATION_ID: 'shop.v2',
      MILLRACE_GROUP_INSTANCE_ID: 'features-millrace-0',
      MILLRACE_REDIS_USERNAME: 'writer',
      MILLRACE_REDIS_PASSWORD: 'hunter2',
      MILLRACE_REDIS_COMMAND_TIMEOUT_MS: '50',
      MILLRACE_S3_ENDPOINT: 'http://localhost:9000',
      MILLRACE_S3_PREFIX: 'prod/',
      MILLRACE_S3_REGION: 'eu-north-1',
      MILLRACE_HTTP_HOST: '127.0.0.1',
      MILLRACE_HTTP_PORT: '0',
      MILLRACE_ROLES: 'entity, ingest',
      MILLRACE_STATE_DIR: '/var/lib/millrace',
      MILLRACE_COMMIT_INTERVAL_MS: '100',
      MILLRACE_MEMORY_BYTES: '536870912',
      MILLRACE_STATE_CACHE_BYTES: '0',
      MILLRACE_SNAPSHOT_BYTES: '4096',
      MILLRACE_STATE_SNAPSHOT_INTERVAL_MS: '60000',
      MILLRACE_WARM_UP_MS: '5000',
      MILLRACE_STANDBY_INTERVAL_MS: '10000',
      MILLRACE_FLUSH_ROWS: '7',
      MILLRACE_FLUSH_BYTES: '2048',
      MILLRACE_FLUSH_AGE_MS: '1000',
      MILLRACE_TRACE_RATIO: '0.01',
      MILLRACE_TRACE_ENDPOINT: 'http://collector:4318/v1/traces',
      MILLRACE_LOG_LEVEL: 'debug',
    },
    'worker',
  );
  expect(config).toEqual({
    applicationId: 'shop.v2',
    kafka: { 'bootstrap.servers': 'a:9092,b:9093' },
    groupInstanceId: 'features-millrace-0',
    redis: { url: 'redis://localhost:6379', username: 'writer', password: 'hunter2', commandTimeout_ms: 50 },
    s3: { bucket: 'features', endpoint: 'http://localhost:9000', prefix: 'prod/', region: 'eu-north-1' },
    http: { host: '127.0.0.1', port: 0 },
    roles: ['entity', 'ingest'],
    stateDir: '/var/lib/millrace',
    commitInterval_ms: 100,
    memory_bytes: 536_870_912,
    stateCache_bytes: 0,
    snapshot_bytes: 4096,
    stateSnapshotInterval_ms: 60_000,
    copies: { warmUp_ms: 5000, standbyInterval_ms: 10_000 },
    flush: { rows: 7, bytes: 2048, age_ms: 1000 },
    trace: { ratio: 0.01, endpoint: 'http://collector:4318/v1/traces' },
    logLevel: 'debug',
  });
});

test('standby copies are brought up once a second at most', () => {
  expect(faultsOf({ ...whole, MILLRACE_STANDBY_INTERVAL_MS: '0' })).toEqual([]);
  expect(faultsOf({ ...whole, MILLRACE_STANDBY_INTERVAL_MS: '999' })).toEqual([
    'MILLRACE_STANDBY_INTERVAL_MS is "999": must be 0 (no standby copies) or at least 1000',
  ]);
});

test('snapshots of state need a bucket, whatever the roles, and an interval of a second at least', () => {
  const entityOnly = { ...whole, MILLRACE_S3_BUCKET: '', MILLRACE_ROLES: 'entity' };
  expect(faultsOf({ ...entityOnly, MILLRACE_STATE_SNAPSHOT_INTERVAL_MS: '0' }, 'worker')).toEqual([]);
  expect(faultsOf({ ...entityOnly, MILLRACE_STATE_SNAPSHOT_INTERVAL_MS: '60000' }, 'worker')).toEqual([
    'MILLRACE_S3_BUCKET is not set; for example MILLRACE_S3_BUCKET=features',
  ]);
  expect(faultsOf({ ...whole, MILLRACE_STATE_SNAPSHOT_INTERVAL_MS: '999' })).toEqual([
    'MILLRACE_STATE_SNAPSHOT_INTERVAL_MS is "999": must be 0 (no snapshots) or at least 1000',
  ]);
});

test('variables of others and empty ones are passed over', () => {
  expect(
    loadConfig({ PATH: '/bin', millrace_roles: 'x', MILLRACE_ROLES: '', MILLRACE_HTTP_PORT: undefined }, 'dev'),
  ).toEqual(loadConfig({}, 'dev'));
});

test('other Kafka variables become settings of the client', () => {
  const { kafka } = loadConfig(
    {
      ...whole,
      MILLRACE_KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      MILLRACE_KAFKA_SASL_USERNAME: 'me',
      MILLRACE_KAFKA_SSL_CA_LOCATION: '/etc/ca.pem',
    },
    'worker',
  );
  expect(kafka).toEqual({
    'bootstrap.servers': 'a:9092,b:9093',
    'security.protocol': 'SASL_SSL',
    'sasl.username': 'me',
    'ssl.ca.location': '/etc/ca.pem',
  });
});

test('all faults are reported at once', () => {
  expect(
    faultsOf({
      MILLRACE_APPLICATION_ID: 'my app',
      MILLRACE_KAFKA_BROKERS: 'localhost',
      MILLRACE_GROUP_INSTANCE_ID: 'pod/0',
      MILLRACE_S3_ENDPOINT: 'localhost',
      MILLRACE_HTTP_PORT: '65536',
      MILLRACE_ROLES: 'ingest,cook',
      MILLRACE_COMMIT_INTERVAL_MS: '5',
      MILLRACE_FLUSH_ROWS: '1.5',
      MILLRACE_TRACE_RATIO: '1.5',
      MILLRACE_TRACE_ENDPOINT: 'collector:4318',
      MILLRACE_LOG_LEVEL: 'loud',
    }),
  ).toEqual([
    'MILLRACE_APPLICATION_ID is "my app": must be letters, digits, ".", "_", "-": topics and groups are named after it',
    'MILLRACE_KAFKA_BROKERS is "localhost": must be host:port, several separated by commas',
    'MILLRACE_GROUP_INSTANCE_ID is "pod/0": must be at most 249 letters, digits, ".", "_", "-"',
    'MILLRACE_S3_ENDPOINT is "localhost": must be a URL such as https://s3.eu-north-1.amazonaws.com',
    'MILLRACE_HTTP_PORT is "65536": must be below 65536',
    'MILLRACE_ROLES is "ingest,cook": must be some of ingest, entity, offline, separated by commas',
    'MILLRACE_COMMIT_INTERVAL_MS is "5": must be at least 10',
    'MILLRACE_FLUSH_ROWS is "1.5": must be a whole number',
    'MILLRACE_TRACE_RATIO is "1.5": must be a number from 0 (no row is traced) to 1 (every row)',
    'MILLRACE_TRACE_ENDPOINT is "collector:4318": must be the URL that takes spans, such as http://collector:4318/v1/traces',
    'MILLRACE_LOG_LEVEL is "loud": must be debug, info, warn, error or silent',
  ]);
});

test('the error lists every fault on its own line', () => {
  expect(() => loadConfig({ MILLRACE_HTTP_PORT: 'x', MILLRACE_LOG_LEVEL: 'y' }, 'dev')).toThrow(
    /^The configuration has faults:\n {2}- MILLRACE_HTTP_PORT .*\n {2}- MILLRACE_LOG_LEVEL .*$/,
  );
});

test.each([
  ['MILLRACE_KAFKA_BROKER', null],
  ['MILLRACE_REDIS_URI', 'MILLRACE_REDIS_URL'],
  ['MILLRACE_S3_BUKET', 'MILLRACE_S3_BUCKET'],
  ['MILLRACE_ROLE', 'MILLRACE_ROLES'],
  ['MILLRACE_LOGLEVEL', 'MILLRACE_LOG_LEVEL'],
  ['MILLRACE_PORT', 'MILLRACE_HTTP_PORT'],
])('%s is refused with the setting that was meant, unless it is for the Kafka client', (name, meant) => {
  const faults = meant === null ? [] : [`${name} is not a setting; did you mean ${meant}?`];
  expect(faultsOf({ [name]: 'x' })).toEqual(faults);
});

const brokersMissing = 'MILLRACE_KAFKA_BROKERS is not set; for example MILLRACE_KAFKA_BROKERS=localhost:9092';
const redisMissing = 'MILLRACE_REDIS_URL is not set; for example MILLRACE_REDIS_URL=redis://localhost:6379';
const bucketMissing = 'MILLRACE_S3_BUCKET is not set; for example MILLRACE_S3_BUCKET=features';

test.each([
  ['', [brokersMissing, redisMissing, bucketMissing]],
  ['ingest', [brokersMissing]],
  ['entity', [brokersMissing, redisMissing]],
  ['offline', [brokersMissing, bucketMissing]],
  ['entity,offline', [brokersMissing, redisMissing, bucketMissing]],
])('a worker with the roles "%s" must be told what they need', (MILLRACE_ROLES, faults) => {
  expect(faultsOf({ MILLRACE_ROLES }, 'worker')).toEqual(faults);
});

test('a file stands below the environment', () => {
  const path = file({
    ...whole,
    MILLRACE_HTTP_PORT: 8081,
    MILLRACE_APPLICATION_ID: 'file',
    MILLRACE_KAFKA_SASL_USERNAME: 'f',
  });
  const config = loadConfig({ MILLRACE_CONFIG_FILE: path, MILLRACE_APPLICATION_ID: 'environment' }, 'worker');
  expect(config.applicationId).toBe('environment');
  expect(config.http.port).toBe(8081);
  expect(config.kafka).toEqual({ 'bootstrap.servers': 'a:9092,b:9093', 'sasl.username': 'f' });
});

test('a fault in the file is reported as one of the environment is', () => {
  const path = file({ MILLRACE_HTTP_PORT: 'x', MILLRACE_NOPE: '1', OTHER: '1' });
  expect(faultsOf({ MILLRACE_CONFIG_FILE: path, MILLRACE_FLUSH_ROWS: '0' })).toEqual([
    'MILLRACE_HTTP_PORT is "x": must be a whole number',
    expect.stringMatching(/^MILLRACE_NOPE is not a setting; did you mean MILLRACE_/),
    expect.stringMatching(/^OTHER is not a setting; did you mean MILLRACE_/),
    'MILLRACE_FLUSH_ROWS is "0": must be at least 1',
  ]);
});

test('a file that is not there, or no JSON, is named with the other faults', () => {
  const missing = join(folder, 'nope.json');
  expect(faultsOf({ MILLRACE_CONFIG_FILE: missing, MILLRACE_FLUSH_ROWS: '0' })).toEqual([
    expect.stringMatching(new RegExp(`^MILLRACE_CONFIG_FILE is "${missing}": ENOENT`)),
    'MILLRACE_FLUSH_ROWS is "0": must be at least 1',
  ]);
  expect(faultsOf({ MILLRACE_CONFIG_FILE: file('{') })).toEqual([
    expect.stringMatching(/^MILLRACE_CONFIG_FILE is ".*config\.json": .*JSON/),
  ]);
});

test('a password in a URL is not shown in a fault', () => {
  const [fault] = faultsOf({ MILLRACE_REDIS_URL: 'http://writer:hunter2@redis:6379' });
  expect(fault).toBe('MILLRACE_REDIS_URL is "http://…@redis:6379": must start with redis:// or rediss://');
});

test('the description for the log shows what is set, and no secret', () => {
  const config = loadConfig(
    {
      ...whole,
      MILLRACE_REDIS_URL: 'rediss://writer:hunter2@redis:6380/1',
      MILLRACE_REDIS_USERNAME: 'writer',
      MILLRACE_REDIS_PASSWORD: 'hunter2',
      MILLRACE_KAFKA_SASL_USERNAME: 'me',
      MILLRACE_KAFKA_SASL_PASSWORD: 'hunter2',
      MILLRACE_KAFKA_SSL_KEY_PASSWORD: 'hunter2',
      MILLRACE_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'hunter2',
      MILLRACE_KAFKA_SSL_KEY_PEM: 'hunter2',
    },
    'worker',
  );
  const described = describeConfig(config);
  expect(JSON.stringify(described)).not.toContain('hunter2');
  expect(described).toMatchObject({
    applicationId: 'millrace',
    redis: { url: 'rediss://…@redis:6380/1', username: 'writer' },
    kafka: { 'sasl.username': 'me', 'sasl.password': '…', 'ssl.key.pem': '…' },
  });
});
