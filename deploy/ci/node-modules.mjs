// Runs `npm ci --ignore-scripts` when node_modules is missing or is not what package-lock.json says.
// npm keeps its own stamp, node_modules/.package-lock.json; comparing against it (not against file times or a stamp of
// ours) means that an `npm install` by hand counts too. The native Kafka client is deploy/stack/kafka-client.sh's work.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(root + file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Why an installation is needed, or undefined when node_modules is as locked. */
function staleReason() {
  const wanted = lockedPackages('package-lock.json');
  const installed = lockedPackages('node_modules/.package-lock.json');
  if (!wanted) return 'package-lock.json cannot be read';
  if (!installed) return 'node_modules is missing';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    // Optional packages for another operating system or processor are never installed.
    if (!found && (entry.optional || entry.devOptional || entry.peer)) continue;
    if (found?.version !== entry.version || found?.integrity !== entry.integrity)
      return `${path} is not ${entry.version}`;
  }
  return undefined;
}

const reason = staleReason();
if (reason !== undefined) {
  console.log(`npm ci --ignore-scripts  (${reason})`);
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = status ?? 1;
}
