/** docs/getting-started.md: its files are those of `examples/logins`, and what it says happens without servers does happen. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded, type Embedded } from '../../../src/cli/embedded.ts';
import { loadDefinitions } from '../../../src/cli/load-definitions.ts';
import { sqlOf } from '../../../src/cli/sql.ts';
import type { Plan } from '../../../src/define/plan.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import { connectorFindings } from '../../../src/operate/connector-findings.ts';
import { query } from '../../support/duckdb.ts';
import { until } from '../../support/until.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const example = (name: string): string => join(root, 'examples/logins', name);
const page = readFileSync(join(root, 'docs/getting-started.md'), 'utf8');
const definitions = example('features.ts');

/** The blocks of a language, in their order. */
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, block]) => block!);

/** What the page's curl commands send, as the shell would make it of them. */
const [first, update] = blocks('sh').flatMap((block) => /<<END\n([^]*?)END\n/.exec(block)?.[1] ?? []) as [
  string,
  string,
];

let plan: Plan;
let folder: string;
let embedded: Embedded;

beforeAll(async () => {
  plan = await loadDefinitions(definitions);
  folder = mkdtempSync(join(tmpdir(), 'millrace-getting-started-'));
  const http = { host: '127.0.0.1', port: 0 };
  embedded = await startEmbedded({ plan, dataDir: folder, http, logger: silentLogger });
});
afterAll(async () => {
  await embedded.stop();
  rmSync(folder, { recursive: true });
});

test('its code is the code of the example', () => {
  expect(blocks('ts')).toEqual(['features.ts', 'features.test.ts'].map((name) => readFileSync(example(name), 'utf8')));
  expect(blocks('sql')[0]).toBe(readFileSync(example('schema.sql'), 'utf8'));
  expect(blocks('json')[1]).toBe(readFileSync(example('connector.json'), 'utf8'));
});

test('its connector is one that doctor finds nothing wrong with', () => {
  const config = JSON.parse(readFileSync(example('connector.json'), 'utf8')) as Record<string, string>;
  const findings = connectorFindings('logins', plan, { config, states: ['RUNNING'], trace: null });
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(`${config['topic.prefix']}.${config['table.include.list']}`).toBe(plan.entities[0]!.tables[0]!.topic);
});

interface Answer {
  readonly features: Readonly<Record<string, string>>;
}

async function send(lines: string, now_us: number): Promise<void> {
  const body = lines.replaceAll('$now', String(now_us));
  await fetch(`${embedded.url}/topics/app.public.logins`, { method: 'POST', body });
}

async function answers(isMeant: (answer: Answer) => boolean): Promise<Answer> {
  let answer: Answer = { features: {} };
  await until('the values of the page', async () => {
    const response = await fetch(`${embedded.url}/features/account_activity/7`);
    if (response.ok) answer = (await response.json()) as Answer;
    return isMeant(answer);
  });
  return answer;
}

test('rows in, features out, a training set, and the same values by SQL', async () => {
  const now_us = Math.floor(Date.now() / 1000) * 1_000_000;
  await send(first, now_us);
  const shown = JSON.parse(blocks('json')[0]!) as Answer;
  const found = await answers(({ features }) => features['logins_last_10_min'] === '3');
  // The instants and the place in the log are others each time.
  expect(found).toEqual({
    ...shown,
    as_of: expect.any(String),
    visible_at: expect.any(String),
    position: expect.any(Number),
  });
  await send(update, now_us);
  await answers(({ features }) => features['failed_last_10_min'] === '1');
  await embedded.settled();

  const [training, check] = blocks('sql').slice(1) as [string, string];
  await query('CREATE TABLE labels AS SELECT 7::BIGINT AS account_id, now() AS label_time');
  const [label] = await query(fromFolder(training));
  expect(label).toMatchObject({ failed_last_10_min: 1n, failed_share: 1 / 3 });

  const time = new Date(now_us / 1000).toISOString().slice(0, 19).replace('T', ' ');
  // As \copy writes it.
  const csv = `login_id,account_id,country,succeeded,login_time\n1,7,NO,f,${time}\n2,7,NO,t,${time}\n3,7,SE,t,${time}\n`;
  writeFileSync(join(folder, 'logins.csv'), csv);
  for (const statement of fromFolder(check).split(';\n')) if (statement.trim() !== '') await query(statement);
  const expected = await query(await sqlOf(definitions));
  expect(expected).toMatchObject([
    { account_id: 7n, logins_last_10_min: 3n, failed_last_10_min: 1n, countries_last_day: 2n, last_country: 'SE' },
  ]);
});

const fromFolder = (sql: string): string =>
  sql.replaceAll("'s3://features/", `'${folder}/`).replaceAll("'logins.csv'", `'${folder}/logins.csv'`);

test('its shell blocks are shell', () => {
  for (const block of blocks('sh')) execFileSync('sh', ['-n', '-c', block]);
});
