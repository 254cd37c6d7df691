/** Structured logs: one JSON object a line on standard error, so that standard output stays the command's own. */
import pino from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Fields whose values never reach a log, wherever they stand. */
const secrets = [
  'password',
  'secret',
  'token',
  'accessKeyId',
  'secretAccessKey',
  '["sasl.password"]',
  '["ssl.key.password"]',
];

export function createLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: secrets.flatMap((name) => [name, name.startsWith('[') ? `*${name}` : `*.${name}`]),
        censor: '[secret]',
      },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

const nothing = (): void => undefined;
/** Says nothing; for tests and for commands whose output is their answer. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
