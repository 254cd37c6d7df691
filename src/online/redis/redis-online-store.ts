/** The online store in Redis 7 or Valkey: fenced function calls, one for a batch of usual size. */
import { Redis, type RedisOptions } from 'ioredis';
import { FatalError, messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Canary, OnlineStore, OnlineWrite, UpsertResult } from '../online-store.ts';
import { classify } from './redis-errors.ts';
import { upsertCalls, type UpsertCall } from './upsert-call.ts';
import { upsertFunction } from './upsert-function.ts';

export interface RedisOnlineStoreOptions {
  /** `redis://` or `rediss://` (TLS); may carry user, password and database. */
  readonly url: string;
  /** Added to what the URL says. */
  readonly username?: string;
  readonly password?: string;
  /** A call that takes longer has an unknown outcome and is tried again, milliseconds. Default 2000. */
  readonly commandTimeout_ms?: number;
  readonly logger: Logger;
}

/**
 * Connects and checks the server.
 * @throws FatalError `store-unavailable` when it cannot be reached, refuses the login, or has no functions.
 */
export async function createRedisOnlineStore(options: RedisOnlineStoreOptions): Promise<OnlineStore> {
  const timeout_ms = options.commandTimeout_ms ?? 2000;
  const settings: RedisOptions = {
    lazyConnect: true,
    // The caller retries, with what is newest by then; nothing may pile up in here.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: timeout_ms,
    commandTimeout: timeout_ms,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1000),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
  };
  const redis = new Redis(options.url, settings);
  const address = `${redis.options.host ?? 'localhost'}:${redis.options.port ?? 6379}`;
  // The client rejects a failed connect with "Connection is closed"; why is said by this event.
  let reason: unknown = null;
  redis.on('error', (error) => {
    reason ??= error;
    options.logger.debug({ address, error: messageOf(error) }, 'redis connection');
  });
  try {
    await redis.connect();
    await checkServer(redis, address, options.logger);
    await redis.function('LOAD', 'REPLACE', upsertFunction.source);
  } catch (error) {
    redis.disconnect();
    const cause = classify(reason ?? error, address);
    throw cause instanceof FatalError ? cause : new FatalError('store-unavailable', cause.message, { cause: error });
  }
  return new RedisOnlineStore(redis, address);
}

async function checkServer(redis: Redis, address: string, logger: Logger): Promise<void> {
  const version = /^redis_version:(\d+)/m.exec(await redis.info('server'))?.[1];
  if (Number(version) < 7)
    throw new FatalError(
      'store-unavailable',
      `Redis at ${address} is version ${version}; Millrace needs 7 or newer, for functions`,
    );
  const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    logger.warn({ address, policy }, 'Redis may evict features: set maxmemory-policy to noeviction');
  }
}

class RedisOnlineStore implements OnlineStore {
  private readonly redis: Redis;
  private readonly address: string;
  /**
   * The run id of the server at the other end of this connection. It is asked for with the first call of each connection: a
   * restart breaks the connection, and so does a failover behind the same address. No command is ever sent again on a later
   * connection, so a call's answers and the run id known when it was sent are of the same server.
   */
  private incarnation: string | null = null;

  constructor(redis: Redis, address: string) {
    this.redis = redis;
    this.address = address;
    redis.on('close', () => (this.incarnation = null));
  }

  async upsert(writes: readonly OnlineWrite[], canaries: readonly Canary[] = []): Promise<UpsertResult> {
    try {
      return await this.call(writes, canaries);
    } catch (error) {
      if (!messageOf(error).includes('Function not found')) throw classify(error, this.address);
      // The server was restarted or flushed: it lost the library.
      await this.loadFunction();
      return await this.call(writes, canaries).catch((again: unknown) => {
        throw classify(again, this.address);
      });
    }
  }

  async read(keys: readonly string[]): Promise<readonly (ReadonlyMap<string, string> | null)[]> {
    const pipeline = this.redis.pipeline();
    for (const key of keys) pipeline.hgetall(key);
    const results = (await pipeline.exec().catch((error: unknown) => {
      throw classify(error, this.address);
    }))!;
    return results.map(([error, hash]) => {
      if (error !== null) throw classify(error, this.address);
      const entries = Object.entries(hash as Record<string, string>);
      return entries.length === 0 ? null : new Map(entries);
    });
  }

  close(): Promise<void> {
    this.redis.disconnect();
    return Promise.resolve();
  }

  private async loadFunction(): Promise<void> {
    try {
      await this.redis.function('LOAD', 'REPLACE', upsertFunction.source);
    } catch (error) {
      throw classify(error, this.address);
    }
  }

  private async call(writes: readonly OnlineWrite[], canaries: readonly Canary[]): Promise<UpsertResult> {
    const result = { stored: [], found: [] };
    const calls = upsertCalls(writes, canaries);
    // A pipeline goes on after a failed command, and the canaries must not be raised then. They are in the last call, which
    // checks its own writes; so only a batch of many calls takes a second round trip.
    const before = canaries.length > 0 ? calls.splice(0, calls.length - 1) : [];
    if (before.length > 0) await this.execute(before, result);
    const incarnation = await this.execute(calls, result);
    return { ...result, incarnation };
  }

  /** Answers with the server's run id. */
  private async execute(calls: readonly UpsertCall[], result: Parameters<UpsertCall['read']>[1]): Promise<string> {
    const known = this.incarnation;
    const pipeline = this.redis.pipeline();
    for (const { keys, args } of calls) pipeline.fcall(upsertFunction.name, keys.length, ...keys, ...args);
    if (known === null) pipeline.info('server');
    const replies = (await pipeline.exec())!.map(([error, reply]) => {
      if (error !== null) throw error;
      return reply;
    });
    calls.forEach((call, i) => {
      call.read(replies[i] as string[], result);
    });
    // A service that hides the run id leaves losses to the canaries.
    return known ?? (this.incarnation = /^run_id:(\w+)/m.exec(replies[calls.length] as string)?.[1] ?? '');
  }
}
