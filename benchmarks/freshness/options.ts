/** The arguments of the freshness probe. */
import { parseArgs } from 'node:util';

export interface ProbeOptions {
  /** Rows per second; each is a run of its own. */
  readonly rates: readonly number[];
  /** Length of the measured part of a run. */
  readonly seconds: number;
  /** Keys that hold state at every window end, and whose timers fire there. */
  readonly keys: number;
  readonly window_s: number;
}

const full = { rates: '100,1000', seconds: '150', keys: '100000', window: '60' };
const quick = { rates: '100', seconds: '25', keys: '2000', window: '10' };
/** Shorter windows leave no room between two window ends for the floor. */
const shortestWindow_s = 10;

export function parseOptions(args: readonly string[]): ProbeOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      rates: { type: 'string' },
      seconds: { type: 'string' },
      keys: { type: 'string' },
      window: { type: 'string' },
    },
  });
  const base = values.quick === true ? quick : full;
  const window_s = whole('window', values.window ?? base.window);
  if (window_s < shortestWindow_s) throw new Error(`--window: at least ${shortestWindow_s} s`);
  return {
    rates: (values.rates ?? base.rates).split(',').map((rate) => whole('rates', rate)),
    seconds: whole('seconds', values.seconds ?? base.seconds),
    keys: whole('keys', values.keys ?? base.keys),
    window_s,
  };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name}: "${text}" is not a whole number above 0`);
  return value;
}
