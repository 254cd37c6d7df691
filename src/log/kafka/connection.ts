/** Connecting, and what the client says on its own: errors and log lines. */
import { FatalError, messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Clock } from '../../time/clock.ts';
import { call, type ClientError, type LogEvent } from './client.ts';
import type { UserSettings } from './settings.ts';

export interface Surroundings {
  readonly settings: UserSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly startTimeout_ms: number;
  /** Of the members that join groups; null or absent: they are new each time. */
  readonly groupInstanceId?: string | null;
}

interface Listening {
  on(event: 'event.error', listener: (error: ClientError) => void): void;
  on(event: 'event.log', listener: (event: LogEvent) => void): void;
}

interface Connecting {
  connect(
    options: { readonly timeout: number },
    callback: (error: ClientError | null | undefined, result: unknown) => void,
  ): void;
}

const repeat_ms = 10_000;
/** syslog: error and worse. */
const severityError = 3;
const severityWarning = 4;

/** Logs each message of the client at most once in ten seconds: an outage repeats them many times a second. */
export class ClientVoice {
  last: string | null = null;
  private readonly surroundings: Surroundings;
  private readonly fields: object;
  private readonly said = new Map<string, number>();

  constructor(surroundings: Surroundings, fields: object) {
    this.surroundings = surroundings;
    this.fields = fields;
  }

  readonly error = (error: ClientError): void => {
    this.last = error.message;
    const { logger } = this.surroundings;
    if (this.fresh(`${error.code}`))
      logger.warn({ ...this.fields, code: error.code }, `kafka client: ${error.message}`);
  };

  readonly log = (event: LogEvent): void => {
    const { logger } = this.surroundings;
    if (!this.fresh(event.fac)) return;
    const message = `kafka client: ${event.message}`;
    if (event.severity <= severityError) logger.warn({ ...this.fields, facility: event.fac }, message);
    else if (event.severity === severityWarning) logger.info({ ...this.fields, facility: event.fac }, message);
    else logger.debug({ ...this.fields, facility: event.fac }, message);
  };

  listen(client: Listening): this {
    client.on('event.error', this.error);
    client.on('event.log', this.log);
    return this;
  }

  private fresh(what: string): boolean {
    const now_ms = this.surroundings.clock.monotonic_ms();
    if (now_ms - (this.said.get(what) ?? -repeat_ms) < repeat_ms) return false;
    this.said.set(what, now_ms);
    return true;
  }
}

/** @throws FatalError `log-unavailable` when no broker answers in time. */
export async function connect(
  client: Connecting & Listening,
  surroundings: Surroundings,
  fields: object,
): Promise<void> {
  const voice = new ClientVoice(surroundings, fields).listen(client);
  try {
    await call((done) => {
      client.connect({ timeout: surroundings.startTimeout_ms }, done);
    });
  } catch (error) {
    throw unreachable(surroundings, voice, error);
  }
}

export function unreachable(surroundings: Surroundings, voice: ClientVoice, cause: unknown): FatalError {
  const brokers = surroundings.settings['bootstrap.servers'] ?? '(no bootstrap.servers)';
  const said = voice.last === null ? messageOf(cause) : `${messageOf(cause)}; ${voice.last}`;
  return new FatalError('log-unavailable', `cannot reach Kafka at ${brokers}; check MILLRACE_KAFKA_BROKERS (${said})`, {
    cause,
  });
}
