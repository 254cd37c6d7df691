/** Bugs that the simulator must find: each rule of the protocol, broken. */
import { engine } from './engine-mutants.ts';
import { residency } from './residency-mutants.ts';
import type { Mutant } from './runner.ts';
import { snapshots } from './snapshot-mutants.ts';
import { offline, online } from './store-mutants.ts';

const ingest: readonly Mutant[] = [
  {
    name: 'replay filter off',
    file: 'ingest/source-partition.ts',
    find: "if (this.replays.isReplay(change, keyOf(identified, this.table.primaryKey) ?? '')) return 'replayed';",
    replace: "this.replays.isReplay(change, keyOf(identified, this.table.primaryKey) ?? '');",
    why: 'a restarted connector sends rows again, and they count twice',
  },
  {
    name: 'equal pairs always dropped',
    file: 'ingest/replay-filter.ts',
    find: 'if (order === 0 && this.seen.has(identity)) return true;',
    replace: 'if (order === 0) return true;',
    why: 'of a multi-row INSERT only the first row counts',
  },
  {
    name: 'session not claimed',
    file: 'worker/ingest-runner.ts',
    find: 'await this.commit(opened);',
    replace: '',
    why: 'two owners of one source partition write frames of the same session',
  },
  {
    name: 'source offsets before the frames',
    file: 'worker/ingest-runner.ts',
    find: 'await this.producer!.flush();\n    // One that left meanwhile',
    replace: '// One that left meanwhile',
    why: 'frames that a dying ingest had not sent are sent by nobody',
  },
  {
    name: 'emission-time idle mark',
    file: 'worker/source-clock.ts',
    find: 'source.caughtUp(asked_ms, lastRecord_ms,',
    replace: 'source.caughtUp(clock.now_ms(), lastRecord_ms,',
    why: 'a worker that was frozen lets time pass over the backlog of the next owner',
    seeds: 600,
  },
  {
    name: 'idle without being caught up',
    file: 'worker/source-clock.ts',
    find: 'if (reached === null || reached < ends[i]!) return false;',
    replace: 'if (reached === null) return false;',
    why: 'time passes over records that wait',
  },
  {
    name: 'heartbeat ignored, data mark follows the clock',
    file: 'ingest/source-marks.ts',
    find: 'const trusted_us = heartbeat_ms === null ? asked_us - silenceTrust_us : heartbeat_ms * 1000 - heartbeatTrust_us;',
    replace: 'const trusted_us = heartbeat_ms === null ? asked_us - silenceTrust_us : asked_us;',
    why: 'rows of a connector that was away come late',
    seeds: 600,
  },
  {
    name: 'heartbeat trusted as a watermark',
    file: 'ingest/source-marks.ts',
    find: 'heartbeat_ms * 1000 - heartbeatTrust_us',
    replace: 'heartbeat_ms * 1000',
    why: 'a heartbeat overtakes rows that a restarted connector still has to send',
    seeds: 600,
  },
  {
    name: 'heartbeat ignored, data mark stands still',
    file: 'worker/source-clock.ts',
    find: 'newest_ms.get(source.table.heartbeatTopic) ?? null',
    replace: 'null',
    why: 'a quiet table keeps windows of the others open for an hour',
  },
];

const time: readonly Mutant[] = [
  {
    name: 'clock mark max for min',
    file: 'entity/task-marks.ts',
    find: `let clock_us = Infinity;
    for (const topic of this.topics) {
      if (topic === null) return;
      for (const partition of topic.partitions) {
        data_us = Math.min(data_us, partition.data_us);
        clock_us = Math.min(clock_us, partition.clock_us);`,
    replace: `let clock_us = -Infinity;
    for (const topic of this.topics) {
      if (topic === null) return;
      for (const partition of topic.partitions) {
        data_us = Math.min(data_us, partition.data_us);
        clock_us = Math.max(clock_us, partition.clock_us);`,
    why: 'the fastest source partition lets time pass for the slowest',
  },
  {
    name: 'data mark max for min',
    file: 'entity/task-marks.ts',
    find: `let data_us = Infinity;
    let clock_us = Infinity;
    for (const topic of this.topics) {
      if (topic === null) return;
      for (const partition of topic.partitions) {
        data_us = Math.min(data_us, partition.data_us);`,
    replace: `let data_us = -Infinity;
    let clock_us = Infinity;
    for (const topic of this.topics) {
      if (topic === null) return;
      for (const partition of topic.partitions) {
        data_us = Math.max(data_us, partition.data_us);`,
    why: 'rows of a source partition that lags are refused as late',
  },
  {
    name: 'late by the clock mark',
    file: 'entity/windows/pane-series.ts',
    find: 'allowedLateness_us) > marks.data_us',
    replace: 'allowedLateness_us) > marks.clock_us',
    why: 'rows of a connector that was away come late',
    seeds: 600,
  },
  {
    name: 'evict without subtract',
    file: 'entity/windows/pane-series.ts',
    find: 'this.store.leave(running.from, below, running.aggregates);',
    replace: 'void below;',
    why: 'rows of a window that is over stay in the value',
  },
  {
    name: 'retract with after',
    file: 'entity/entity-task.ts',
    find: 'viewRow(reader, table, row, row.before!)',
    replace: 'viewRow(reader, table, row, (row.after ?? row.before)!)',
    why: 'an update takes away what was never there',
  },
  {
    name: 'rows ahead of time not held',
    file: 'entity/view-task.ts',
    find: 'const fate = row.eventTime_us > moment.asOf_us ? hold(state, row) : this.insertIntoSeries(state, row, moment);',
    replace: 'const fate = this.insertIntoSeries(state, row, moment);',
    why: 'a row of the future counts now, or never',
  },
  {
    name: 'held row not released',
    file: 'entity/view-task.ts',
    find: 'const fate = row.eventTime_us > moment.asOf_us ? release(state, row) : this.retractFromSeries(state, row, moment);',
    replace: 'const fate = this.retractFromSeries(state, row, moment);',
    why: 'a row that was deleted before its time counts when it comes',
  },
  {
    name: 'timers never fire',
    file: 'entity/entity-task.ts',
    find: 'if (view.fire(timer.key, this.marks)) this.touch(view, timer.key, null);',
    replace: 'view.fire(timer.key, this.marks);',
    why: 'the values of a quiet key do not fall',
  },
];

const frames: readonly Mutant[] = [
  {
    name: 'hole in frames ignored',
    file: 'entity/entity-task.ts',
    find: 'if (frame.number !== progress.number + 1) throw hole(this.entity, frame, progress.number + 1);',
    replace: '',
    why: 'frames that a client skipped are missing in silence',
  },
  {
    name: 'duplicates by offset off',
    file: 'entity/entity-task.ts',
    find: 'if (row.offset <= progress.offset) {',
    replace: 'if (row.offset < 0) {',
    why: 'what a new ingest repeats counts twice',
  },
  {
    name: 'frames of older sessions accepted',
    file: 'entity/entity-task.ts',
    find: 'if (frame.session < progress.session) return false;',
    replace: 'if (frame.session < progress.session) return true;',
    why: "a zombie's frames count",
  },
];

const commits: readonly Mutant[] = [
  {
    name: 'disk before the commit',
    file: 'worker/entity-committer.ts',
    find: 'const offsets = await transactor.commit(',
    replace: `for (const each of prepared) {
      const stored = await this.options.store.checkpoint(each.owned.taskName);
      await this.write([this.writeOf(each, stored?.changelogOffset ?? -1)]);
    }
    const offsets = await transactor.commit(`,
    why: 'a commit that failed is on the disk',
  },
  {
    name: 'commit before the acknowledgement',
    file: 'worker/entity-committer.ts',
    find: 'await this.options.writer.settle();',
    replace: '',
    why: 'values that never got online count as done',
  },
  {
    name: 'feature rows ahead of the position',
    file: 'worker/entity-committer.ts',
    find: 'owned.takeFeatureFrames(position)',
    replace: 'owned.takeFeatureFrames(Infinity)',
    why: 'rows that the next owner gives again stand in the feature log twice',
  },
  {
    name: 'offset of now with the state of before',
    file: 'worker/entity-committer.ts',
    find: '({ ...owned.at, offset: position })',
    replace: '({ ...owned.at, offset: Math.max(position, owned.next) })',
    why: 'frames between the two are applied by nobody',
  },
  {
    name: 'changelog offset from the end offset',
    file: 'worker/entity-committer.ts',
    find: `await this.write(prepared.flatMap((each) => this.writesOf(each, offsets[each.recordIndex]!)));`,
    replace: `const ends = await consumer.endOffsets(prepared.map(({ owned }) => owned.changelog));
    await this.write(prepared.flatMap((each, i) => this.writesOf(each, Math.max(offsets[each.recordIndex]!, ends[i]! - 1))));`,
    why: "the next owner's entries are missing on the disk of the one before",
    seeds: 600,
  },
  {
    name: 'failed commit forgotten',
    file: 'worker/entity-committer.ts',
    find: 'this.options.rolledBack(taken.map(({ owned }) => owned));',
    replace: '',
    why: 'changes that were taken for a failed commit are in no other',
  },
  {
    name: 'partition claims not checked',
    file: 'log/memory/memory-member.ts',
    find: 'if (gone.length > 0)',
    replace: 'if (gone.length > 0 && this.closed)',
    why: 'a worker commits for a partition that another owns',
  },
  {
    name: 'seek skipped on reopen',
    file: 'worker/entity-runner.ts',
    find: 'await consumer.seek([...starts].map(([{ at }, { position }]) => ({ ...at, offset: position })));',
    replace: '',
    why: 'after a failed commit frames are skipped',
  },
];

const restores: readonly Mutant[] = [
  {
    name: 'restore stops at the read_committed end',
    file: 'worker/state-catch-up.ts',
    find: 'this.reader!.highWaters(',
    replace: 'this.reader!.endOffsets(',
    why: 'an open transaction hides what is committed behind it',
  },
  {
    name: 'mismatch without a second look',
    file: 'worker/state-restorer.ts',
    find: "if ((now?.offset ?? null) !== committed) return 'again';",
    replace: 'void now;',
    why: 'a task whose partition has another owner takes its commits for a broken state',
    seeds: 150,
  },
  {
    name: 'disk taken as complete',
    file: 'worker/state-catch-up.ts',
    find: 'else return changelogOffset + 1;',
    replace: 'else return end;',
    why: 'what others committed since is missing',
  },
  {
    name: 'timers not restored',
    file: 'entity/view-task.ts',
    find: 'if (state !== null) this.arm(key, state);',
    replace: 'void key;',
    why: 'after a restore the values of a quiet key do not fall',
  },
  {
    name: 'held rows not written',
    file: 'entity/key-state.ts',
    find: 'out.varint(state.held.length);\n    for (const row of state.held) this.writeHeld(out, row);',
    replace: 'out.varint(0);',
    why: 'rows of the future are gone after a restore',
  },
  {
    name: 'marks not in the task record',
    file: 'entity/task-record.ts',
    find: 'data_us: from.f64(),\n    clock_us: from.f64(),',
    replace: 'data_us: Math.min(from.f64(), -Infinity),\n    clock_us: Math.min(from.f64(), -Infinity),',
    why: 'after a restore time is not known',
  },
  {
    name: 'applied source offsets not in the task record',
    file: 'entity/task-record.ts',
    find: 'offset: from.varint() - 1,',
    replace: 'offset: Math.min(from.varint() - 1, -1),',
    why: 'what a new ingest repeats counts twice after a restore',
  },
];

export const mutants: readonly Mutant[] = [
  ...ingest,
  ...time,
  ...engine,
  ...frames,
  ...commits,
  ...restores,
  ...snapshots,
  ...residency,
  ...online,
  ...offline,
];
