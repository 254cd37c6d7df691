/** The spans of traced rows as far as their ingest: from the database to the source topic, and from there into the entity logs. */
import type { OutgoingFrame } from '../ingest/source-partition.ts';
import { messageOf } from '../errors.ts';
import type { RowEntry } from '../frames/row-frame.ts';
import type { LogProducer, LogRecord } from '../log/log.ts';
import { ingestSpanId, rowSampler, sourceSpanId, traceIdOf, type RowSampler } from '../observability/row-trace.ts';
import type { Tracer } from '../observability/tracer.ts';
import { fineClock, type Clock } from '../time/clock.ts';
import type { OwnedSource } from './owned-source.ts';

/** Of one source partition and one batch; further ones are not traced. */
const rowsLimit = 1000;

export interface IngestTracesOptions {
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly application: string;
}

/** A traced record of the batch that is under way. */
interface Reading {
  readonly written_us: number;
  readonly read_us: number;
}

interface Traced extends Reading {
  readonly row: RowEntry;
  frames: number;
}

interface SourceState {
  readonly sampler: RowSampler;
  readonly readings: Map<number, Reading>;
}

export class IngestTraces {
  private readonly options: IngestTracesOptions;
  private readonly now_us: () => number;
  private readonly states = new WeakMap<OwnedSource, SourceState>();

  /** Null when nothing is traced: then there is nothing to call. */
  static of(options: IngestTracesOptions): IngestTraces | null {
    return options.tracer.ratio > 0 ? new IngestTraces(options) : null;
  }

  private constructor(options: IngestTracesOptions) {
    this.options = options;
    this.now_us = fineClock(options.clock);
  }

  /** A record is about to be taken. */
  read(owned: OwnedSource, { offset, timestamp_ms }: LogRecord): void {
    const { sampler, readings } = this.stateOf(owned);
    if (!sampler.isSampled(offset) || readings.size >= rowsLimit) return;
    readings.set(offset, { written_us: timestamp_ms * 1000, read_us: this.now_us() });
  }

  /** The frames of what was read have been appended. Their rows' spans end when the log has acknowledged them. */
  framed(owned: OwnedSource, frames: readonly OutgoingFrame[], producer: LogProducer): void {
    const { readings } = this.stateOf(owned);
    if (readings.size === 0) return;
    const traced = tracedIn(frames, readings);
    readings.clear();
    if (traced.length === 0) return;
    const session = owned.source.session;
    const end = (error: string | null): void => {
      const end_us = this.now_us();
      for (const each of traced) this.record(owned, each, session, end_us, error);
    };
    producer.flush().then(
      () => {
        end(null);
      },
      (error: unknown) => {
        end(messageOf(error));
      },
    );
  }

  private record(
    { at, source }: OwnedSource,
    { row, written_us, read_us, frames }: Traced,
    session: number,
    end_us: number,
    error: string | null,
  ): void {
    const { tracer, application } = this.options;
    const traceId = traceIdOf({ topicId: source.topicId, partition: at.partition }, row.offset);
    const attributes = {
      'millrace.table': source.table.name,
      'millrace.source.topic': at.topic,
      'millrace.source.partition': at.partition,
      'millrace.source.offset': row.offset,
      'millrace.operation': row.operation,
    };
    const first = sourceSpanId(traceId);
    tracer.record({
      traceId,
      spanId: first,
      parentId: null,
      name: 'source',
      start_us: row.commit_us,
      // The log keeps milliseconds, the database microseconds; and their clocks are two.
      end_us: Math.max(row.commit_us, written_us),
      attributes,
      error: null,
    });
    tracer.record({
      traceId,
      spanId: ingestSpanId(traceId, application, session),
      parentId: first,
      name: 'ingest',
      start_us: read_us,
      end_us: Math.max(read_us, end_us),
      attributes: { ...attributes, 'millrace.session': session, 'millrace.frames': frames },
      error,
    });
  }

  private stateOf(owned: OwnedSource): SourceState {
    let state = this.states.get(owned);
    if (state === undefined) {
      const { source, at } = owned;
      const partition = { topicId: source.topicId, partition: at.partition };
      state = { sampler: rowSampler(this.options.tracer.ratio, partition), readings: new Map() };
      this.states.set(owned, state);
    }
    return state;
  }
}

/** Rows of a first snapshot have no way from a commit to tell of: they were read, and they have waited. */
function tracedIn(frames: readonly OutgoingFrame[], readings: ReadonlyMap<number, Reading>): Traced[] {
  const traced = new Map<number, Traced>();
  for (const { rows } of frames) {
    for (const row of rows) {
      const reading = row.operation === 'r' ? undefined : readings.get(row.offset);
      if (reading === undefined) continue;
      const known = traced.get(row.offset);
      if (known === undefined) traced.set(row.offset, { ...reading, row, frames: 1 });
      else known.frames++;
    }
  }
  return [...traced.values()];
}
