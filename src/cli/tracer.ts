/** The tracer that the configuration asks for. The OpenTelemetry client is loaded only if one is asked for. */
import type { Config } from '../config/config.ts';
import type { Logger } from '../observability/logger.ts';
import { noTracer, type Tracer } from '../observability/tracer.ts';
import { systemClock } from '../time/clock.ts';
import { packageVersion } from './version.ts';

export async function openTracer({ trace, applicationId }: Config, logger: Logger): Promise<Tracer> {
  if (trace.ratio === 0) return noTracer;
  const { createOpenTelemetryTracer } = await import('../observability/opentelemetry/opentelemetry-tracer.ts');
  return createOpenTelemetryTracer({
    ...trace,
    application: applicationId,
    version: packageVersion(),
    clock: systemClock,
    logger,
  });
}
