/**
 * The Tracer on OpenTelemetry: spans go to a collector by OTLP over HTTP, in batches. Only its exporter and its batching are used:
 * a row's spans are made in several processes and after the fact, which its own tracer has no notion of.
 */
import { SpanKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { messageOf } from '../../errors.ts';
import { atMost, type Clock } from '../../time/clock.ts';
import type { Logger } from '../logger.ts';
import type { SpanName, Tracer, TraceSpan } from '../tracer.ts';

/** What an end grants to a collector that does not answer. */
const lastSpans_ms = 3000;

export interface OpenTelemetryOptions {
  readonly ratio: number;
  /** Where spans are posted. Absent: as the variables `OTEL_EXPORTER_OTLP_…` say, else a collector on this machine. */
  readonly endpoint?: string;
  /** `service.name`, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly application: string;
  /** Of the running build. */
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Instead of OTLP. */
  readonly exporter?: SpanExporter;
}

const kinds: Readonly<Record<SpanName, SpanKind>> = {
  source: SpanKind.PRODUCER,
  ingest: SpanKind.CONSUMER,
  apply: SpanKind.CONSUMER,
  'online write': SpanKind.CLIENT,
  commit: SpanKind.CLIENT,
};

export function createOpenTelemetryTracer(options: OpenTelemetryOptions): Tracer {
  const { ratio, endpoint, application, version, clock, logger } = options;
  const exporter = options.exporter ?? new OTLPTraceExporter(endpoint === undefined ? {} : { url: endpoint });
  const processor = new BatchSpanProcessor(telling(exporter, logger));
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': application, 'service.version': version }))
    .merge(detectResources({ detectors: [envDetector] }));
  return {
    ratio,
    record: (span) => {
      processor.onEnd(readable(span, resource, version));
    },
    async close() {
      const delivered = processor.shutdown().catch(() => undefined);
      await atMost(clock, lastSpans_ms, delivered, () => {
        logger.warn({}, 'closed before the last spans were delivered');
      });
    },
  };
}

/** Says once that spans are lost, and once that they arrive again; the client itself says nothing. */
function telling(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code === ExportResultCode.FAILED;
        if (failed && !isFailing)
          logger.warn(
            { spans: spans.length, error: messageOf(result.error ?? 'no answer') },
            'spans were not delivered and are dropped; look at MILLRACE_TRACE_ENDPOINT and the collector',
          );
        if (!failed && isFailing) logger.info({ spans: spans.length }, 'spans are delivered again');
        isFailing = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

function readable(span: TraceSpan, resource: Resource, version: string): ReadableSpan {
  const { traceId, spanId, parentId, name, start_us, end_us, attributes, error } = span;
  const contextOf = (id: string): SpanContext => ({ traceId, spanId: id, traceFlags: TraceFlags.SAMPLED });
  const context = contextOf(spanId);
  return {
    name,
    kind: kinds[name],
    spanContext: () => context,
    ...(parentId === null ? {} : { parentSpanContext: contextOf(parentId) }),
    startTime: hrTime(start_us),
    endTime: hrTime(end_us),
    duration: hrTime(end_us - start_us),
    ended: true,
    status: error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes,
    links: [],
    events: [],
    resource,
    instrumentationScope: { name: 'millrace', version },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
const hrTime = (time_us: number): HrTime => [Math.floor(time_us / 1_000_000), (time_us % 1_000_000) * 1000];
