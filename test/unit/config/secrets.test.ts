import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeConfig, loadConfig, type Environment } from '../../../src/config/config.ts';

const base = { MILLRACE_KAFKA_BROKERS: 'a:1', MILLRACE_ROLES: 'ingest' };

/** All that the configuration says of itself: its faults, or its description. */
function said(environment: Environment): string {
  try {
    return JSON.stringify(describeConfig(loadConfig({ ...base, ...environment }, 'worker')));
  } catch (error) {
    return (error as Error).message;
  }
}

test.each([
  'user:hunter2@host:6379',
  'http://user:x/hunter2@host',
  'redis://user:x@hunter2@host',
  'redis://host?password=hunter2',
])('the password in %s is not shown', (url) => {
  expect(said({ MILLRACE_REDIS_URL: url })).toContain('host');
  expect(said({ MILLRACE_REDIS_URL: url })).not.toContain('hunter2');
});

test('a client setting that holds a secret is not shown', () => {
  expect(said({ MILLRACE_KAFKA_SASL_OAUTHBEARER_CONFIG: 'secret=hunter2' })).not.toContain('hunter2');
});

test.each(['{"MILLRACE_REDIS_PASSWORD": hunter2}', '"hunter2"', '["hunter2"]'])(
  'a file %s does not show its secrets',
  (text) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
    const path = join(folder, 'config.json');
    writeFileSync(path, text);
    const message = said({ MILLRACE_CONFIG_FILE: path });
    rmSync(folder, { recursive: true });
    expect(message).toContain(`MILLRACE_CONFIG_FILE is "${path}": it is not one JSON object of settings`);
    expect(message).not.toContain('hunter2');
  },
);

test('roles that are wrong do not ask for more settings', () => {
  expect(said({ MILLRACE_ROLES: 'ingset' })).not.toContain('is not set');
});
