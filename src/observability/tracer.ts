/** The Tracer port: where the spans of single rows go. `docs/tracing.md` says which there are. */
export type SpanName = 'source' | 'ingest' | 'apply' | 'online write' | 'commit';

/** One stage of a row's way. It never holds a key or a value of the row. */
export interface TraceSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The span that led to this one, maybe of another process; null for the first. */
  readonly parentId: string | null;
  readonly name: SpanName;
  /** Microseconds since 1970; the end is never before the start. */
  readonly start_us: number;
  readonly end_us: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** What went wrong; null when nothing did. */
  readonly error: string | null;
}

export interface Tracer {
  /** The share of rows that is traced, 0 to 1. With 0 nobody calls {@link record}, and no row is looked at. */
  readonly ratio: number;
  /** Hands over a finished span: never waits, never throws. What cannot be delivered is dropped. */
  record(span: TraceSpan): void;
  /** Delivers what waits, if that can be done soon. */
  close(): Promise<void>;
}

/** Traces nothing. */
export const noTracer: Tracer = {
  ratio: 0,
  record: () => undefined,
  close: () => Promise.resolve(),
};
