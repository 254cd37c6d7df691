/**
 * Commit → Redis of single-row transactions through Postgres, Debezium and one worker, beside the bare two-hop Kafka floor. Open loop:
 * rows are due at fixed times, and a late one counts from the time at which it was due.
 */
import { parseOptions } from './freshness/options.ts';
import { probe } from './freshness/probe.ts';
import { reportRun } from './freshness/result.ts';

export async function freshness(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  for (const perSecond of options.rates) {
    console.log(`\nfreshness at ${perSecond} rows/s for ${options.seconds} s`);
    reportRun(perSecond, options, await probe(perSecond, options));
  }
}
