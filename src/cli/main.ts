#!/usr/bin/env node
/** The command line, and the composition root: the only place that knows which adapters stand behind the ports. */
import { Command } from 'commander';
import { FatalError, messageOf, MillraceError } from '../errors.ts';
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

function clientMissing(error: unknown): never {
  if (!messageOf(error).includes('Could not locate the bindings file')) throw error;
  const build = 'run npm rebuild @confluentinc/kafka-javascript, or make stack in a checkout';
  throw new FatalError('log-unavailable', `the native Kafka client is not built: ${build}`, { cause: error });
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof MillraceError ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
}
