import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const logger = new URL('../../../src/observability/logger.ts', import.meta.url).href;

/** What a process that logs writes: pino writes to the file descriptor itself. */
function logged(level: string, statements: string): { lines: Record<string, unknown>[]; stdout: string } {
  const script = `import { createLogger } from '${logger}';\nconst logger = createLogger('${level}');\n${statements}`;
  const { stderr, stdout, status } = spawnSync(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringContaining('Error:') });
  return {
    stdout,
    lines: stderr
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

test('a line is a JSON object on standard error: level by name, time in ISO 8601, fields, message', () => {
  const { lines, stdout } = logged('info', `logger.info({ partition: 3, nested: { a: [1] } }, 'opened');`);
  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      partition: 3,
      nested: { a: [1] },
      msg: 'opened',
    },
  ]);
  expect(stdout).toBe('');
});

test.each([
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['silent', []],
])('at level %s it says %j', (level, expected) => {
  const { lines } = logged(level, `for (const l of ['debug', 'info', 'warn', 'error']) logger[l]({}, 'x');`);
  expect(lines.map((line) => line['level'])).toEqual(expected);
});

test('secrets are replaced, at the top and one below', () => {
  const secrets = `{ password: 'hunter2', secret: 'hunter2', token: 'hunter2', accessKeyId: 'hunter2',
    secretAccessKey: 'hunter2', 'sasl.password': 'hunter2', 'ssl.key.password': 'hunter2' }`;
  const { lines } = logged('info', `logger.info({ ...${secrets}, below: ${secrets}, user: 'me' }, 'connected');`);
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[0]).toMatchObject({
    password: '[secret]',
    'sasl.password': '[secret]',
    below: { token: '[secret]', 'ssl.key.password': '[secret]' },
    user: 'me',
    msg: 'connected',
  });
});

test('the silent logger says nothing, on either stream', () => {
  const { lines, stdout } = logged(
    'info',
    `const { silentLogger } = await import('${logger}');
    for (const l of ['debug', 'info', 'warn', 'error']) silentLogger[l]({}, 'x');`,
  );
  expect({ lines, stdout }).toEqual({ lines: [], stdout: '' });
});
