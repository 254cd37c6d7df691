/** Random histories of one table, and the frames that an ingest makes of them, for property tests of the entity task. */
import * as fc from 'fast-check';
import {
  decodeEntityFrame,
  encodeMarksFrame,
  encodeRowsFrame,
  type EntityFrame,
  type RowEntry,
} from '../../src/frames/row-frame.ts';
import { route, routesOf } from '../../src/ingest/router.ts';
import { SourceMarks } from '../../src/ingest/source-marks.ts';
import type { OracleRow } from '../oracle/tumbling.ts';
import { rowOf, transactionsPlan, userPlan, type Transaction } from './shop.ts';

const start_us = 1_800_000_000_000_000;
const topicId = '00112233445566778899aabbccddeeff';

/** One step of a random history: a change of one of few rows, or silence. */
export const historyStep = fc.record({
  id: fc.integer({ min: 0, max: 11 }),
  user: fc.integer({ min: 1, max: 4 }),
  cents: fc.integer({ min: -5, max: 5 }),
  status: fc.constantFrom('ok', 'no'),
  /** Event time relative to the commit: within disorder mostly, at times late or ahead of its commit. */
  skew_s: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: -5, max: 0 }) }, fc.integer({ min: -700, max: 400 })),
  delete: fc.boolean(),
  pass_s: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }) }, fc.integer({ min: 0, max: 400 })),
  idle: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  flush: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
});

export class History {
  readonly frames: { readonly frame: EntityFrame; readonly live: readonly OracleRow[] }[] = [];
  private readonly live = new Map<number, Transaction>();
  private readonly marks = [0, 1].map(() => new SourceMarks(transactionsPlan.time, -Infinity));
  private readonly pending: RowEntry[][] = [[], []];
  private readonly numbers = [0, 0];
  private readonly framed = [-Infinity, -Infinity].map((mark) => ({ data_us: mark, clock_us: mark }));
  private readonly offsets = [0, 0];
  private readonly routeToUser = routesOf([userPlan], transactionsPlan.topic)[0]!;
  private now_us = start_us;

  take(steps: readonly (typeof historyStep extends fc.Arbitrary<infer T> ? T : never)[]): void {
    for (const s of steps) {
      this.now_us += s.pass_s * 1_000_000;
      const before = this.live.get(s.id) ?? null;
      const after =
        s.delete && before !== null ? null : { ...s, location: null, time_us: this.now_us + s.skew_s * 1_000_000 };
      this.change(s.id % 2, before, after);
      if (after === null) this.live.delete(s.id);
      else this.live.set(s.id, after);
      if (s.flush || s.idle) this.flush();
      if (s.idle) this.silence();
    }
    this.flush();
    for (let i = 0; i < 8; i++) {
      this.now_us += 120_000_000;
      this.silence();
    }
  }

  private change(partition: number, before: Transaction | null, after: Transaction | null): void {
    const images = { before: before && rowOf(before), after: after && rowOf(after) };
    this.marks[partition]!.row((after ?? before)!.time_us, this.now_us);
    // All users of this test share one entity partition: every route leads to it.
    let routes = 0;
    route(this.routeToUser, images.before, images.after, (_, bits) => (routes |= bits));
    const operation = before === null ? 'c' : after === null ? 'd' : 'u';
    this.pending[partition]!.push({
      offset: this.offsets[partition]!++,
      operation,
      commit_us: this.now_us,
      ingest_ms: 0,
      routes,
      ...images,
    });
  }

  private flush(): void {
    this.pending.forEach((rows, partition) => {
      if (rows.length === 0) return;
      const frame = encodeRowsFrame(userPlan, {
        source: { table: 0, topicId, partition, partitionCount: 2 },
        session: 1,
        number: this.numbers[partition]!++,
        marks: this.framed[partition]!,
        rows: rows.splice(0),
      });
      this.framed[partition] = this.marks[partition]!.marks;
      this.push(frame);
    });
  }

  private silence(): void {
    this.marks.forEach((marks) => {
      marks.caughtUp(this.now_us / 1000, this.now_us / 1000 - 2000, this.now_us / 1000);
    });
    const sources = this.marks.map((marks, partition) => ({
      source: { table: 0, topicId, partition, partitionCount: 2 },
      marks: marks.marks,
    }));
    this.push(encodeMarksFrame(userPlan, sources));
  }

  private push(bytes: Uint8Array): void {
    const frame = decodeEntityFrame(bytes, userPlan);
    const applied = new Set(this.pending.flat().map((row) => String((row.after ?? row.before)![0])));
    const live = [...this.live.values()].map((t) => ({
      key: String(t.user),
      time_us: t.time_us,
      cents: t.cents,
      status: t.status,
    }));
    this.frames.push({ frame, live: applied.size === 0 ? live : [] });
  }
}
