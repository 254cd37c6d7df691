/** Bugs in the engine: windows, runs, panes and what is kept of them. */
import type { Mutant } from './runner.ts';

export const engine: readonly Mutant[] = [
  {
    name: 'a sliding window begins a microsecond early',
    file: 'entity/windows/pane-range.ts',
    find: 'return Math.floor((asOf_us - window.size_us + 1) / window.resolution_us);',
    replace: 'return Math.floor((asOf_us - window.size_us) / window.resolution_us);',
    why: 'at an edge the oldest pane is in the window for one instant more',
  },
  {
    name: 'the hopping window that closed last',
    file: 'entity/windows/pane-range.ts',
    find: 'return Math.floor(asOf_us / window.hop_us) + 1 - window.size_us / window.hop_us;',
    replace: 'return Math.floor(asOf_us / window.hop_us) - window.size_us / window.hop_us;',
    why: 'the window reaches one hop too far back',
  },
  {
    name: 'sessions are not joined',
    file: 'entity/windows/session-series.ts',
    find: 'if (known === null) this.joinEarlierRuns();',
    replace: '',
    why: 'a row between two runs makes one of them',
  },
  {
    name: 'a torn session stays whole',
    file: 'entity/windows/session-series.ts',
    find: 'if (isGone || isTorn || !pane.isEmpty) this.run = null;',
    replace: 'if (isGone || !pane.isEmpty) this.run = null;',
    why: 'without the row between them two runs are two',
  },
  {
    name: 'windows do not follow what their panes give back',
    file: 'entity/windows/window-followers.ts',
    find: 'this.targets[i]!.retract(value, at, null);',
    replace: 'void [value, at];',
    why: 'a row that was deleted stays in windows of several panes',
  },
  {
    name: 'panes that were written stay in their windows',
    file: 'entity/windows/pane-chunk.ts',
    find: 'this.packed?.leave(from, below, this.plans, window);',
    replace: '',
    why: 'only panes that are objects still leave: rows of a window that is over stay in the value',
  },
  {
    name: 'the only row of a pane is forgotten when another comes',
    file: 'entity/windows/pane.ts',
    find: 'made[a]!.insert(single[a]!, place, null);',
    replace: 'void place;',
    why: 'the pane is written without it, and leaves its windows without it',
  },
  {
    name: 'a tombstone for the key, none for its chunks',
    file: 'entity/windows/pane-store.ts',
    find: 'for (const number of this.stored ?? []) take(number, null);',
    replace: '',
    why: 'panes that have left a key come back with the next restore',
  },
  {
    name: 'chunks that are not there any more stay',
    file: 'entity/windows/pane-store.ts',
    find: 'if (stored.delete(number)) take(number, null);',
    replace: 'stored.delete(number);',
    why: 'panes that have left their windows come back with the next restore',
  },
  {
    name: "a chunk that comes out of the key's own entry is not written",
    file: 'entity/windows/pane-store.ts',
    find: 'if (this.inline !== null) changed.add(this.inline);',
    replace: '',
    why: 'its panes are in no entry, and are missing after a restore',
  },
  {
    name: 'a commit decides what is given out at intervals',
    file: 'entity/view-task.ts',
    find: "if (this.plan.emit.kind !== 'every') return;",
    replace: 'if (this.plan.index >= 0) return;',
    why: 'a key that holds nothing gives a value out again after a restore',
    seeds: 600,
  },
];
