/** Looks at a Redis without writing to it: what a worker needs of it. */
import { Redis } from 'ioredis';

export interface RedisState {
  /** As it says, such as `7.0.15`. */
  readonly version: string;
  /** Null where the service hides it. */
  readonly policy: string | null;
  /** 0: no limit. */
  readonly maxmemory_bytes: number;
  readonly used_bytes: number;
  readonly role: string;
}

/** @throws Error with the server's or the network's own message. */
export async function inspectRedis(options: {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly commandTimeout_ms: number;
}): Promise<RedisState> {
  const { url, commandTimeout_ms, ...login } = options;
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    connectTimeout: commandTimeout_ms,
    commandTimeout: commandTimeout_ms,
    retryStrategy: () => null,
    ...login,
  });
  // A failed connect says "Connection is closed"; why is said by this event.
  const reasons: Error[] = [];
  redis.on('error', (error: Error) => void reasons.push(error));
  try {
    await redis.connect();
    const info = await redis.info();
    const field = (name: string): string | null => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
    return {
      version: field('redis_version') ?? '',
      policy: field('maxmemory_policy'),
      maxmemory_bytes: Number(field('maxmemory') ?? 0),
      used_bytes: Number(field('used_memory') ?? 0),
      role: field('role') ?? '',
    };
  } catch (error) {
    throw reasons[0] ?? error;
  } finally {
    redis.disconnect();
  }
}
