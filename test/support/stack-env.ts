// Set-up file of the projects that need the stack: what `.stack/env` exports becomes process.env, and wins over what
// the shell had, so that a test never talks to servers other than those `make stack` started.
import { readFileSync } from 'node:fs';

const file = new URL('../../.stack/env', import.meta.url);

/** The variables of a shell file of `export NAME=value` lines; values may be quoted, nothing is expanded. */
function parseExports(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(?:'([^']*)'|"([^"]*)"|(\S*))\s*(?:#.*)?$/.exec(line);
    if (match) variables.set(match[1]!, match[2] ?? match[3] ?? match[4] ?? '');
    else if (!/^\s*(#.*)?$/.test(line)) throw new Error(`.stack/env: not an "export NAME=value" line: ${line}`);
  }
  return variables;
}

function readStackFile(): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error('These tests need the stack, and .stack/env is missing: run make stack', { cause });
  }
}

for (const [name, value] of parseExports(readStackFile())) process.env[name] = value;
