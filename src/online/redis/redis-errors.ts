/** What an error of the client means for the caller. */
import { FatalError, MillraceError, RetriableError, messageOf } from '../../errors.ts';

/** The server answers so while it is starting, failing over or busy: the same call works later. */
const passing = /^(LOADING|MASTERDOWN|READONLY|BUSY|TRYAGAIN|CLUSTERDOWN|OOM|UNKILLABLE)\b/;
const login = /^(NOAUTH|WRONGPASS|NOPERM)\b/;

/** Names the server's address, never a password. */
export function classify(error: unknown, address: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const message = messageOf(error);
  if (login.test(message)) {
    return new FatalError(
      'store-unavailable',
      `Redis at ${address} refuses the login: ${message}; check user and password in MILLRACE_REDIS_URL, MILLRACE_REDIS_USERNAME, MILLRACE_REDIS_PASSWORD`,
      { cause: error },
    );
  }
  const isReply = error instanceof Error && error.name === 'ReplyError';
  if (isReply && !passing.test(message))
    return new FatalError('store-unavailable', `Redis at ${address}: ${message}`, { cause: error });
  const why = isReply ? message : message || (error as NodeJS.ErrnoException).code;
  return new RetriableError(
    'store-unavailable',
    `cannot reach Redis at ${address}: ${why ?? 'no connection'}; check MILLRACE_REDIS_URL and the server`,
    {
      cause: error,
    },
  );
}
