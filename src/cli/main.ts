#!/usr/bin/env node
/** The command line, and the composition root: the only place that knows which adapters stand behind the ports. */
import { Command } from 'commander';
import { FatalError, messageOf, MillraceError } from '../errors.ts';
import { lastResort } from '../time/clock.ts';
import { packageVersion } from './version.ts';

const program = new Command('millrace')
  .description('Database changes in, machine-learning features out: the same values online and offline.')
  .version(packageVersion());

// Each command loads its own parts: `dev` runs where the native Kafka client is not built.
program
  .command('worker')
  .description('run this process’s share of the ingest, entity and offline tasks')
  .argument('<definitions>', 'TypeScript or JavaScript file that exports feature views')
  .action(async (definitions: string) => {
    const { runWorker } = await import('./worker.ts').catch(clientMissing);
    await runWorker(definitions);
  });

program
  .command('dev')
  .description('run everything in one process on embedded parts; rows come in by HTTP or from a file')
  .argument('<definitions>', 'TypeScript or JavaScript file that exports feature views')
  .option('--input <file>', 'lines of JSON: {"topic", "key", "value"}, value a Debezium envelope')
  .option('--data <folder>', 'where Parquet files go', '.millrace')
  .action(async (definitions: string, options: { readonly input?: string; readonly data: string }) => {
    const { runDev } = await import('./dev.ts');
    await runDev(definitions, options);
  });

program
  .command('republish')
  .description('write all current values into the online store again, each at its own position; workers may run or not')
  .argument('<definitions>', 'the file that the workers run')
  .option('--rate <values>', 'values per second at most', '5000')
  .action(async (definitions: string, options: { readonly rate: string }) => {
    const { runRepublish } = await import('./republish.ts').catch(clientMissing);
    await runRepublish(definitions, options);
  });

program
  .command('status')
  .description('what every worker says of itself: tasks, lag, freshness, watermarks')
  .option('--workers <addresses>', 'http://host:8080, several separated by commas; a name stands for all its addresses')
  .option('--json', 'for scripts')
  .action(async (options: { readonly workers?: string; readonly json?: boolean }) => {
    const { showStatus } = await import('./status.ts');
    await showStatus(options);
  });

const topics = program.command('topics').description('the topics that the definitions need');
for (const [name, description, run] of [
  ['check', 'are they there, with the right partitions?', 'checkTopics'],
  ['create', 'make those of the application that are missing', 'createTopics'],
  ['orphans', 'topics of earlier generations and entities that are gone', 'listOrphans'],
] as const) {
  topics
    .command(name)
    .description(description)
    .argument('<definitions>', 'TypeScript or JavaScript file that exports feature views')
    .option('--json', 'for scripts')
    .action(async (definitions: string, options: { readonly json?: boolean }) => {
      const commands = await import('./topics.ts').catch(clientMissing);
      await commands[run](definitions, options);
    });
}

program
  .command('doctor')
  .description('database, connector, topics, Redis and bucket against the definitions: what is wrong, and what to do')
  .argument('<definitions>', 'TypeScript or JavaScript file that exports feature views')
  .option('--postgres <url>', 'postgres://user@host/database: look at the tables and the replication slots')
  .option('--connector <url>', 'http://host:8083/connectors/NAME: look at the connector')
  .option('--json', 'for scripts')
  .action(async (definitions: string, options: { readonly json?: boolean }) => {
    const { runDoctor } = await import('./doctor.ts').catch(clientMissing);
    await runDoctor(definitions, options);
  });

const deadLetters = program.command('dead-letters').description('records that could not be used');
deadLetters
  .command('list')
  .description('the newest of them, with place, reason and value')
  .option('--topic <source topic>', 'of this one only')
  .option('--code <code>', 'refused for this reason only, such as record-undecodable')
  .option('--limit <number>', 'as many at most', Number, 100)
  .option('--json', 'for scripts')
  .action(
    async (options: {
      readonly topic?: string;
      readonly code?: string;
      readonly limit: number;
      readonly json?: boolean;
    }) => {
      const { listDeadLetters } = await import('./dead-letters.ts').catch(clientMissing);
      await listDeadLetters(options);
    },
  );
deadLetters
  .command('show')
  .description('one of them, whole')
  .argument('<topic>', 'source topic')
  .argument('<partition>', 'of the source topic')
  .argument('<offset>', 'in that partition')
  .option('--json', 'for scripts')
  .action(async (topic: string, partition: string, offset: string, options: { readonly json?: boolean }) => {
    const { showDeadLetter } = await import('./dead-letters.ts').catch(clientMissing);
    await showDeadLetter({ topic, partition, offset }, options);
  });
deadLetters
  .command('check')
  .description('would a new generation of these definitions use them?')
  .argument('<definitions>', 'the file with the cause repaired')
  .option('--json', 'for scripts')
  .action(async (definitions: string, options: { readonly json?: boolean }) => {
    const { checkDeadLetters } = await import('./dead-letters.ts').catch(clientMissing);
    await checkDeadLetters(definitions, options);
  });
deadLetters
  .command('replay')
  .description('wait until the generation of these definitions has read them in their places')
  .argument('<definitions>', 'the file with the cause repaired and the generation raised, as it is deployed')
  .option('--timeout <duration>', 'how long to wait; 0s only looks', '10m')
  .option('--json', 'for scripts')
  .action(async (definitions: string, options: { readonly timeout: string; readonly json?: boolean }) => {
    const { replayDeadLetters } = await import('./dead-letters.ts').catch(clientMissing);
    await replayDeadLetters(definitions, options);
  });

program
  .command('sql')
  .description('print, for DuckDB, the SQL that gives the features’ values as of any time')
  .argument('<definitions>', 'TypeScript or JavaScript file that exports feature views')
  .action(async (definitions: string) => {
    const { sqlOf } = await import('./sql.ts');
    process.stdout.write(await sqlOf(definitions));
  });

function clientMissing(error: unknown): never {
  if (!messageOf(error).includes('Could not locate the bindings file')) throw error;
  const build = 'run npm rebuild @confluentinc/kafka-javascript, or make stack in a checkout';
  throw new FatalError('log-unavailable', `the native Kafka client is not built: ${build}`, { cause: error });
}

/** What an end that takes longer than this waits for does not come. */
const lastWords_ms = 30_000;

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof MillraceError ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
  // A call that a native client never answers holds a thread, and with it the process; process.exit would wait for it too.
  lastResort(lastWords_ms, () => process.kill(process.pid, 'SIGKILL'));
}
