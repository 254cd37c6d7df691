/** How far time has come in one source partition. protocol: time. */
import type { TimePlan } from '../define/plan.ts';
import type { Marks } from '../frames/row-frame.ts';

/** A heartbeat is wall-clock, not a watermark: rows 20 s older were seen to follow one. */
const heartbeatTrust_us = 60_000_000;
/** From a connector without heartbeats nothing older than this is waited for. */
const silenceTrust_us = 3_600_000_000;

export class SourceMarks {
  private readonly outOfOrderness_us: number;
  private readonly maxAhead_us: number;
  private readonly idleTimeout_us: number;
  private data_us: number;
  private clock_us: number;
  private newest_us: number;

  /** @param eventTime_us the newest event time of earlier sessions, −∞ if there was none. */
  constructor(time: TimePlan | null, eventTime_us: number) {
    this.outOfOrderness_us = time?.outOfOrderness_us ?? 0;
    this.maxAhead_us = time?.maxAhead_us ?? 0;
    this.idleTimeout_us = time?.idleTimeout_us ?? 1_000_000;
    this.newest_us = eventTime_us;
    this.data_us = eventTime_us - this.outOfOrderness_us;
    this.clock_us = this.data_us;
  }

  get marks(): Marks {
    return { data_us: this.data_us, clock_us: this.clock_us };
  }

  get eventTime_us(): number {
    return this.newest_us;
  }

  /** A streamed row. Snapshot rows move no mark. */
  row(eventTime_us: number, commit_us: number): void {
    const counted = Math.min(eventTime_us, commit_us + this.maxAhead_us);
    if (counted <= this.newest_us) return;
    this.newest_us = counted;
    this.advance(counted - this.outOfOrderness_us, -Infinity);
  }

  /**
   * All that was in the partition at `asked_ms` has been handled.
   * @param asked_ms send time of the end-offset query whose answer was reached. Not "now": a worker that was frozen would jump
   *   over the backlog of a new owner.
   * @param quietSince_ms when the last record arrived.
   * @param heartbeat_ms the connector's newest heartbeat that was received before the query, null if there was none.
   */
  caughtUp(asked_ms: number, quietSince_ms: number, heartbeat_ms: number | null): void {
    const asked_us = asked_ms * 1000;
    if (asked_us - quietSince_ms * 1000 < this.idleTimeout_us) return;
    const trusted_us = heartbeat_ms === null ? asked_us - silenceTrust_us : heartbeat_ms * 1000 - heartbeatTrust_us;
    // It tells of commits, and the mark of event times, which may be older by so much.
    this.advance(trusted_us - this.outOfOrderness_us, asked_us - this.outOfOrderness_us);
  }

  private advance(data_us: number, clock_us: number): void {
    this.data_us = Math.max(this.data_us, data_us);
    this.clock_us = Math.max(this.clock_us, this.data_us, clock_us);
  }
}
