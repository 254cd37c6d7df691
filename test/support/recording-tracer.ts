/** A tracer that keeps what it is given. */
import type { Tracer, TraceSpan } from '../../src/observability/tracer.ts';

export interface RecordingTracer extends Tracer {
  readonly spans: readonly TraceSpan[];
}

export function recordingTracer(ratio: number): RecordingTracer {
  const spans: TraceSpan[] = [];
  return { ratio, spans, record: (span) => void spans.push(span), close: () => Promise.resolve() };
}
