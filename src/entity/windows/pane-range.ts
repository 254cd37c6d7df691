/**
 * Where windows that are made of panes stand at a time T. A pane is a stretch of event time of one resolution, aligned to 1970; the
 * windows' definitions: protocol, time. All times are microseconds below 2^53, so that the quotients below are exact when floored.
 */
import type { HoppingWindow, SlidingWindow, TumblingWindow, UnboundedWindow, Window } from '../../define/window.ts';

/** Windows whose panes leave in the order of time, one by one. */
export type PaneWindow = TumblingWindow | HoppingWindow | SlidingWindow | UnboundedWindow;

/** How long the panes of a window are; without end for a window that has no end. */
export function resolution_us(window: PaneWindow): number {
  switch (window.kind) {
    case 'tumbling':
      return window.size_us;
    case 'hopping':
      return window.hop_us;
    case 'sliding':
      return window.resolution_us;
    case 'unbounded':
      return Infinity;
  }
}

export const paneIndex = (time_us: number, width_us: number): number =>
  // -0 is no index, and what it is divided by has no end.
  width_us === Infinity ? 0 : Math.floor(time_us / width_us);

/** The lowest index of the panes that the window at T holds. Never falls. */
export function lowestPane(window: PaneWindow, asOf_us: number): number {
  switch (window.kind) {
    case 'tumbling':
      return Math.floor(asOf_us / window.size_us);
    case 'hopping':
      return Math.floor(asOf_us / window.hop_us) + 1 - window.size_us / window.hop_us;
    case 'sliding':
      return Math.floor((asOf_us - window.size_us + 1) / window.resolution_us);
    case 'unbounded':
      return -Infinity;
  }
}

/** The first T at which the window does not hold the pane any more. */
export function leavesAt_us(window: PaneWindow, index: number): number {
  switch (window.kind) {
    case 'tumbling':
      return (index + 1) * window.size_us;
    case 'hopping':
      return index * window.hop_us + window.size_us;
    case 'sliding':
      return (index + 1) * window.resolution_us + window.size_us - 1;
    case 'unbounded':
      return Infinity;
  }
}

/** Until the data mark is here, some window that a row of this time is in still takes rows. */
export function takesRowsUntil_us(window: PaneWindow, eventTime_us: number, allowedLateness_us: number): number {
  switch (window.kind) {
    case 'tumbling':
      return (Math.floor(eventTime_us / window.size_us) + 1) * window.size_us + allowedLateness_us;
    case 'hopping':
      return Math.floor(eventTime_us / window.hop_us) * window.hop_us + window.size_us + allowedLateness_us;
    case 'sliding':
      // It follows T, and what is behind it is behind it for ever.
      return -Infinity;
    case 'unbounded':
      return Infinity;
  }
}

/** At most one pane is in the window at a time: then the pane is the window. */
export const hasOnePane = (window: PaneWindow): boolean =>
  window.kind === 'tumbling' ||
  window.kind === 'unbounded' ||
  (window.kind === 'hopping' && window.size_us === window.hop_us);

/** How far back from T a window reaches at most, microseconds; 0 for one whose rows are never given up. */
export function span_us(window: Window): number {
  switch (window.kind) {
    case 'tumbling':
    case 'hopping':
      return window.size_us;
    case 'sliding':
      return window.size_us + window.resolution_us;
    case 'session':
      return 2 * window.gap_us;
    case 'unbounded':
      return 0;
  }
}
