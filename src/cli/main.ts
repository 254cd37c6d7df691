#!/usr/bin/env node
/** The command line, and the composition root: the only place that knows which adapters stand behind the ports. */
import { Command } from 'commander';
import { MillraceError } from '../errors.ts';
import { runDev } from './dev.ts';
import { packageVersion } from './version.ts';
import { runWorker } from './worker.ts';

const program = new Command('millrace')
  .description('Database changes in, machine-learning features out: the same values online and offline.')
  .version(packageVersion());

program
  .command('worker')
  .description('run this process’s share of the ingest, entity and offline tasks')
  .argument('<definitions>', 'TypeScript or JavaScript file that exports feature views')
  .action(runWorker);

program
  .command('dev')
  .description('run everything in one process on embedded parts; rows come in by HTTP or from a file')
  .argument('<definitions>', 'TypeScript or JavaScript file that exports feature views')
  .option('--input <file>', 'lines of JSON: {"topic", "key", "value"}, value a Debezium envelope')
  .option('--data <folder>', 'where Parquet files go', '.millrace')
  .action(runDev);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof MillraceError ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
}
