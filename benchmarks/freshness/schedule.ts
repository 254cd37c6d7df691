/**
 * What happens when, fixed before the run: slices of rows and of the floor by turns, so that both see the same machine, and rows
 * alone around every window end, so that its timers fire while rows flow.
 */
import type { ProbeOptions } from './options.ts';

export interface Slice {
  readonly kind: 'rows' | 'floor';
  readonly from_ms: number;
  readonly to_ms: number;
  /** False while warming up. */
  readonly measured: boolean;
}

export interface Schedule {
  readonly window_ms: number;
  /** Wall-clock times: the first slice, the measured part. */
  readonly warmUp_ms: number;
  readonly start_ms: number;
  readonly end_ms: number;
  /** The window ends that the measured part spans, each with what follows it. */
  readonly windowEnds_ms: readonly number[];
  readonly slices: readonly Slice[];
}

/** Of the definition: time is this far behind the newest row, so timers of a window end fire this much after it. */
export const outOfOrderness_ms = 1000;
/** Looked at separately: so long from the instant at which the timers of a window end become due. */
export const burst_ms = 5000;

const warmUpLength_ms = 10_000;
const beforeEnd_ms = 1000;
const afterEnd_ms = outOfOrderness_ms + burst_ms;
const slice_ms = 5000;

/** @param earliest_ms nothing happens before. */
export function planRun(earliest_ms: number, { seconds, window_s }: ProbeOptions): Schedule {
  const window_ms = window_s * 1000;
  // Behind what a window end sets off, with most of the window ahead.
  const phase_ms = Math.max(afterEnd_ms, window_ms / 4);
  const start_ms = Math.ceil((earliest_ms + warmUpLength_ms - phase_ms) / window_ms) * window_ms + phase_ms;
  const end_ms = start_ms + seconds * 1000;
  const warmUp_ms = start_ms - warmUpLength_ms;
  const windows: number[] = [];
  for (let at_ms = Math.floor(warmUp_ms / window_ms) * window_ms; at_ms < end_ms; at_ms += window_ms)
    windows.push(at_ms);
  return {
    window_ms,
    warmUp_ms,
    start_ms,
    end_ms,
    windowEnds_ms: windows.filter((at_ms) => at_ms > start_ms && at_ms + afterEnd_ms <= end_ms),
    slices: windows.flatMap((at_ms) => {
      const slices = slicesOf(at_ms, window_ms);
      return [...clip(slices, warmUp_ms, start_ms, false), ...clip(slices, start_ms, end_ms, true)];
    }),
  };
}

type Piece = Omit<Slice, 'measured'>;

/** One window: rows behind its start, then floor and rows by turns, then rows up to its end. */
function slicesOf(window_start_ms: number, window_ms: number): Piece[] {
  const first_ms = window_start_ms + afterEnd_ms;
  const last_ms = window_start_ms + window_ms - beforeEnd_ms;
  const pairs = Math.max(1, Math.round((last_ms - first_ms) / (2 * slice_ms)));
  const length_ms = (last_ms - first_ms) / (2 * pairs);
  const pieces: Piece[] = [{ kind: 'rows', from_ms: window_start_ms, to_ms: first_ms }];
  for (let i = 0; i < 2 * pairs; i++) {
    const from_ms = first_ms + i * length_ms;
    pieces.push({ kind: i % 2 === 0 ? 'floor' : 'rows', from_ms, to_ms: from_ms + length_ms });
  }
  pieces.push({ kind: 'rows', from_ms: last_ms, to_ms: window_start_ms + window_ms });
  return pieces;
}

function clip(pieces: readonly Piece[], from_ms: number, to_ms: number, measured: boolean): Slice[] {
  return pieces
    .map((piece) => ({
      ...piece,
      from_ms: Math.max(piece.from_ms, from_ms),
      to_ms: Math.min(piece.to_ms, to_ms),
      measured,
    }))
    .filter((piece) => piece.to_ms > piece.from_ms);
}
