/** Structured logs: one JSON object a line on standard error, so that standard output stays the command's own. */
import pino from 'pino';
import { messageOf } from '../errors.ts';
import { isSecretName } from '../util/secrets.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const depthLimit = 8;

/** The fields of a line with secrets replaced, wherever they stand, and errors as their messages. */
function masked(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return messageOf(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === depthLimit) return '…';
  if (Array.isArray(value)) return value.map((item) => masked(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, isSecretName(name) ? '[secret]' : masked(field, depth + 1)]),
  );
}

export function createLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => masked(fields) as Record<string, unknown>,
      },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

const nothing = (): void => undefined;
/** Says nothing; for tests and for commands whose output is their answer. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
