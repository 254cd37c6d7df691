/** Envelope → row change on one thread, beside JSON.parse of the same bytes, which is less: it loses 64-bit integers. */
import { createDecoder } from '../src/cdc/decoder.ts';
import { buildPlan } from '../src/define/plan-builder.ts';
import { envelopes } from './envelopes.ts';
import * as definitions from './features.ts';
import { report } from './report.ts';

const messages = 50_000;
const rounds = 8;

export function decode(): void {
  const table = buildPlan(definitions).entities[0]!.tables[0]!;
  const values = [...envelopes({ rows: messages, users: 10_000, updates: 0.05, deletes: 0.05 })].map(
    ({ value }) => value,
  );
  const decoder = createDecoder(table);
  const size_bytes = values.reduce((sum, value) => sum + value.length, 0) / messages;
  const parse = (value: Buffer): unknown => JSON.parse(value.toString());
  // Interleaved, so that what else the machine does meets both; the first round warms up.
  const costs = { decode: [] as number[], parse: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const decoded = cpuPerMessage_us(values, decoder);
    const parsed = cpuPerMessage_us(values, parse);
    if (round === 0) continue;
    costs.decode.push(decoded);
    costs.parse.push(parsed);
  }
  const own = median(costs.decode);
  const floor = median(costs.parse);
  report(
    `decoding an envelope of ${Math.round(size_bytes)} bytes`,
    ['', 'CPU µs/message', 'ratio'],
    [
      ['JSON.parse', floor.toFixed(2), '1.00'],
      ['cdc decoder', own.toFixed(2), (own / floor).toFixed(2)],
    ],
  );
}

function cpuPerMessage_us(values: readonly Buffer[], call: (value: Buffer) => unknown): number {
  const before = process.cpuUsage();
  for (const value of values) call(value);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / values.length;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
