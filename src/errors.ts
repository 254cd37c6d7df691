/**
 * The class of an error decides the recovery; its code says what happened. Every message names the place
 * (file, field, topic, partition, offset) and what to do.
 */
export const errorCodes = [
  'definition-invalid',
  'config-invalid',
  'record-undecodable',
  'row-unusable',
  'source-stopped',
  'frame-unreadable',
  'frame-hole',
  'topic-missing',
  'topic-mismatch',
  'log-unavailable',
  'delivery-failed',
  'store-unavailable',
  'object-exists',
  'object-store-unfit',
  'encoder-lost',
  'task-lost',
  'transaction-failed',
  'state-unreadable',
  'state-mismatch',
  'state-locked',
  'snapshot-unusable',
] as const;

/** What happened, for programs: a closed list. */
export type ErrorCode = (typeof errorCodes)[number];

/** Base of all errors that Millrace throws on purpose. */
export class MillraceError extends Error {
  /** What happened. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** Try the same thing again, with backoff: the other side was not reachable or too slow. */
export class RetriableError extends MillraceError {}

/** The task belongs to another worker now: drop it without a commit, keep its store. */
export class TaskMigratedError extends MillraceError {}

/** The process cannot go on: exit non-zero, the orchestrator restarts it. */
export class FatalError extends MillraceError {}

/** A definition or a configuration is wrong: nothing was started. `problems` holds one line per fault, each with its path. */
export class InvalidError extends MillraceError {
  /** One line for each fault, with the path to it. */
  readonly problems: readonly string[];

  constructor(code: 'definition-invalid' | 'config-invalid', title: string, problems: readonly string[]) {
    super(code, `${title}\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** One record is bad; the source's policy (`fail`, `skip`, `dead-letter`) decides what happens to it. */
export class RecordError extends MillraceError {}

/** The source as a whole cannot be trusted any more (TRUNCATE, a missing column, an LSN that went back): its task stops. */
export class SourceStoppedError extends MillraceError {}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
