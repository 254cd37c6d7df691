/** A run's figures as tables. */
import { report } from '../report.ts';
import type { ProbeOptions } from './options.ts';
import type { ProbeResult } from './probe.ts';
import { quantileCells, quantileHead, quantilesOf, type Quantiles } from './quantiles.ts';
import { burst_ms, outOfOrderness_ms } from './schedule.ts';
import { callQuantiles } from './worker-figures.ts';

/** A measured row: when it was where. */
interface Row {
  readonly due_ms: number;
  readonly committed_ms: number;
  readonly inSource_ms: number;
  readonly inEntityLog_ms: number;
  readonly visible_ms: number;
}

export function reportRun(perSecond: number, options: ProbeOptions, result: ProbeResult): void {
  const rows = measuredRows(result);
  const of = (latency: (row: Row) => number): Quantiles => quantilesOf(rows.map(latency));
  const fromCommit = of((row) => row.visible_ms - row.committed_ms);
  const fromDue = of((row) => row.visible_ms - row.due_ms);
  const floorFromSent = quantilesOf(result.floor.fromSent_ms);
  const floorFromDue = quantilesOf(result.floor.fromDue_ms);
  const lines: (readonly [string, Quantiles])[] = [
    ['total, from COMMIT returned', fromCommit],
    ['total, from due', fromDue],
    ['  due → COMMIT returned', of((row) => row.committed_ms - row.due_ms)],
    ['  database → source topic', of((row) => row.inSource_ms - row.committed_ms)],
    ['  ingest: source topic → entity log', of((row) => row.inEntityLog_ms - row.inSource_ms)],
    ['  entity: entity log → visible in Redis', of((row) => row.visible_ms - row.inEntityLog_ms)],
    ["    Redis, per call (the worker's buckets)", callQuantiles(result.figures.before, result.figures.after)],
    ['bare floor, from sent', floorFromSent],
    ['bare floor, from due', floorFromDue],
  ];
  const title = `commit → Redis at ${perSecond} rows/s beside ${options.keys.toLocaleString('en-US')} active keys, ms`;
  report(
    title,
    ['', ...quantileHead],
    lines.map(([what, quantiles]) => [what, ...quantileCells(quantiles)]),
  );
  const ratio = (a: Quantiles, b: Quantiles): string =>
    `p50 ${(a.p50 / b.p50).toFixed(2)}, p99 ${(a.p99 / b.p99).toFixed(2)}`;
  console.log(`  total/floor from COMMIT and from sent: ${ratio(fromCommit, floorFromSent)}`);
  console.log(`  total/floor from due: ${ratio(fromDue, floorFromDue)}`);
  reportMachine(result, rows.length);
  reportWindowEnds(result, rows);
}

function measuredRows({ sent, journeys }: ProbeResult): Row[] {
  return sent.flatMap((row, i) => (row.measured ? [{ ...row, ...journeys[i]! }] : []));
}

function reportMachine({ figures: { before, after }, schedule, redisAhead_ms }: ProbeResult, rows: number): void {
  const cpu_s = after.cpu_s - before.cpu_s;
  const timers = after.timers - before.timers;
  const share = (cpu_s * 1e5) / (schedule.end_ms - schedule.start_ms);
  console.log(
    `  worker CPU ${((cpu_s * 1e6) / rows).toFixed(0)} µs/row: ${cpu_s.toFixed(1)} s in all, ${share.toFixed(0)} % of a core, ` +
      `${timers.toLocaleString('en-US')} timers and the floor's turns included`,
  );
  console.log(`  Redis' clock is ${redisAhead_ms.toFixed(2)} ms ahead of the probe's`);
}

/** What follows a window end: the values of its timers, and the rows that were due while they came. */
function reportWindowEnds({ schedule, timerValues }: ProbeResult, rows: readonly Row[]): void {
  const inBurst = (row: Row, end_ms: number): boolean => {
    const since_ms = row.due_ms - (end_ms + outOfOrderness_ms);
    return since_ms >= 0 && since_ms < burst_ms;
  };
  const line = (what: string, timers: readonly string[], chosen: readonly Row[]): string[] => [
    what,
    ...timers,
    ...quantileCells(quantilesOf(chosen.map((row) => row.visible_ms - row.committed_ms))),
  ];
  const ends = schedule.windowEnds_ms.map((end_ms) => {
    const values = timerValues.filter((at_ms) => at_ms >= end_ms && at_ms < end_ms + schedule.window_ms);
    const seconds = (at_ms: number): string =>
      values.length === 0 ? '-' : `${((at_ms - end_ms) / 1000).toFixed(2)} s`;
    const first_ms = values.reduce((a, b) => Math.min(a, b), Infinity);
    const last_ms = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const at_s = ((end_ms - schedule.start_ms) / 1000).toFixed(1);
    return line(
      `${new Date(end_ms).toISOString().slice(11, 19)} UTC, ${at_s} s into the run`,
      [values.length.toLocaleString('en-US'), seconds(first_ms), seconds(last_ms)],
      rows.filter((row) => inBurst(row, end_ms)),
    );
  });
  const rest = rows.filter((row) => !schedule.windowEnds_ms.some((end_ms) => inBurst(row, end_ms)));
  report(
    `window ends of ${schedule.window_ms / 1000} s, and the rows due in the ${burst_ms / 1000} s from ${outOfOrderness_ms / 1000} s after them ` +
      '(as late as rows may be); from COMMIT returned, ms',
    ['', "timers' values", 'first', 'last', ...quantileHead],
    [...ends, line('all other rows', ['-', '-', '-'], rest)],
  );
  if (ends.length < 2) console.log('  fewer than two window ends: take a longer run');
}
