import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ExportResultCode } from '@opentelemetry/core';
import { InMemorySpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, test, vi } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { count, featureView, tumbling } from '../../../src/index.ts';
import { silentLogger } from '../../../src/observability/logger.ts';
import {
  createOpenTelemetryTracer,
  type OpenTelemetryOptions,
} from '../../../src/observability/opentelemetry/opentelemetry-tracer.ts';
import type { TraceSpan } from '../../../src/observability/tracer.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { envelope, transactionFields } from '../../support/envelope.ts';
import { MemoryFleet } from '../../support/memory-worker.ts';
import { transactions, user } from '../../support/shop.ts';
import { SteppedClock } from '../../support/stepped-clock.ts';

const open = (options: Partial<OpenTelemetryOptions>): ReturnType<typeof createOpenTelemetryTracer> =>
  createOpenTelemetryTracer({
    ratio: 1,
    application: 'shop',
    version: '1.2.3',
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });

const span: TraceSpan = {
  traceId: '0123456789abcdef0123456789abcdef',
  spanId: '0123456789abcdef',
  parentId: 'fedcba9876543210',
  name: 'apply',
  start_us: 1_800_000_000_000_001,
  end_us: 1_800_000_001_500_003,
  attributes: { 'millrace.position': 7 },
  error: null,
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test('a span keeps its identity, times to the microsecond, and what went wrong', async () => {
  const exporter = new InMemorySpanExporter();
  // Its shutdown forgets them.
  exporter.shutdown = () => Promise.resolve();
  const tracer = open({ exporter });
  tracer.record(span);
  tracer.record({ ...span, spanId: '1111111111111111', parentId: null, name: 'commit', error: 'refused' });
  await tracer.close();
  const [apply, commit] = exporter.getFinishedSpans();
  expect(apply!.spanContext()).toMatchObject({ traceId: span.traceId, spanId: span.spanId, traceFlags: 1 });
  expect(apply!.parentSpanContext).toMatchObject({ traceId: span.traceId, spanId: span.parentId });
  expect([apply!.startTime, apply!.endTime, apply!.duration]).toEqual([
    [1_800_000_000, 1000],
    [1_800_000_001, 500_003_000],
    [1, 500_002_000],
  ]);
  expect(apply!.status).toEqual({ code: 0 });
  expect(commit!.parentSpanContext).toBeUndefined();
  expect(commit!.status).toEqual({ code: 2, message: 'refused' });
});

interface Received {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Otlp;
}

interface Otlp {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
}

/** Takes spans as a collector does. */
async function collector(): Promise<{ readonly url: string; readonly received: readonly Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Otlp;
      received.push({ url: request.url, headers: request.headers, body });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

test('a collector receives the trace of a row by OTLP over HTTP', async () => {
  const { url, received } = await collector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-tenant=features');
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=test');
  const tracer = open({ endpoint: `${url}/v1/traces` });
  const view = featureView('user_features', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(tumbling('7d')) }),
  });
  const fleet = await MemoryFleet.create(buildPlan({ view }));
  closing.push(() => fleet.close());
  const running = fleet.worker({ tracer });
  await running.worker.start();
  const commit_us = Date.now() * 1000;
  const row = { id: 1, user: 9, cents: 1, status: 'ok', location: null, time_us: commit_us };
  fleet.append('dbserver.public.transactions', 1, envelope({ after: transactionFields(row), commit_us }));
  await fleet.settled(running);
  await running.worker.stop();
  await tracer.close();

  const [{ url: path, headers, body }] = received as readonly [Received];
  expect(path).toBe('/v1/traces');
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-tenant': 'features' });
  const { resource, scopeSpans } = body.resourceSpans[0]!;
  expect(Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value.stringValue]))).toMatchObject({
    'service.name': 'shop',
    'service.version': '1.2.3',
    'deployment.environment.name': 'test',
  });
  expect(scopeSpans[0]!.scope.name).toBe('millrace');
  const { spans } = scopeSpans[0]!;
  expect(spans.map(({ name }) => name).sort()).toEqual(['apply', 'commit', 'ingest', 'online write', 'source']);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const byName = new Map(spans.map((each) => [each.name, each]));
  const parents = ['source', 'ingest', 'apply', 'online write', 'commit'].map((name) => byName.get(name)!.parentSpanId);
  const [source, ingest, apply] = ['source', 'ingest', 'apply'].map((name) => byName.get(name)!.spanId);
  expect(parents).toEqual([undefined, source, ingest, apply, apply]);
  expect(byName.get('source')!.startTimeUnixNano).toBe(`${commit_us}000`);
});

test('the endpoint is taken from the variables of OpenTelemetry when none is given', async () => {
  const { url, received } = await collector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url);
  vi.stubEnv('OTEL_SERVICE_NAME', 'features');
  const tracer = open({});
  tracer.record(span);
  await tracer.close();
  expect(received.map(({ url: path }) => path)).toEqual(['/v1/traces']);
  const { attributes } = received[0]!.body.resourceSpans[0]!.resource;
  expect(attributes.find(({ key }) => key === 'service.name')!.value.stringValue).toBe('features');
});

test('spans that are not delivered are told of once, and so is the first delivery after', async () => {
  let isAway = true;
  const exporter: SpanExporter = {
    export: (_spans, done) => {
      done(
        isAway
          ? { code: ExportResultCode.FAILED, error: new Error('connection refused') }
          : { code: ExportResultCode.SUCCESS },
      );
    },
    shutdown: () => Promise.resolve(),
  };
  const lines: unknown[] = [];
  const say = (fields: object, message: string): void => void lines.push([message, fields]);
  // A batch of one goes at once.
  vi.stubEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '1');
  const tracer = open({ exporter, logger: { ...silentLogger, warn: say, info: say } });
  for (const isGone of [true, true, false, false]) {
    isAway = isGone;
    tracer.record(span);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await tracer.close();
  expect(lines).toEqual([
    [
      expect.stringMatching(/^spans were not delivered .*MILLRACE_TRACE_ENDPOINT/),
      { spans: 1, error: 'connection refused' },
    ],
    ['spans are delivered again', { spans: 1 }],
  ]);
});

test('a collector that does not answer holds the end of a worker up for three seconds at most', async () => {
  const clock = new SteppedClock(0);
  const exporter: SpanExporter = { export: () => undefined, shutdown: () => Promise.resolve() };
  const warnings: string[] = [];
  const tracer = open({ clock, exporter, logger: { ...silentLogger, warn: (_, text) => void warnings.push(text) } });
  tracer.record(span);
  let isClosed = false;
  const closed = tracer.close().then(() => (isClosed = true));
  await clock.pass(2999);
  expect(isClosed).toBe(false);
  await clock.pass(1);
  await closed;
  expect(warnings).toEqual(['closed before the last spans were delivered']);
});
