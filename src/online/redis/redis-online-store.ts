/** The online store in Redis 7 or Valkey: one fenced function call per batch of a view. */
import { Redis, type RedisOptions } from 'ioredis';
import { FatalError, messageOf } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import {
  bookkeepingField,
  type OnlineStore,
  type OnlineStored,
  type OnlineView,
  type OnlineWrite,
} from '../online-store.ts';
import { classify } from './redis-errors.ts';
import { upsertFunction } from './upsert-function.ts';

/** Keys of one function call at most: the server runs nothing else meanwhile. */
const chunkKeys = 500;

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

  constructor(redis: Redis, address: string) {
    this.redis = redis;
    this.address = address;
  }

  async upsert(writes: readonly OnlineWrite[]): Promise<readonly OnlineStored[]> {
    const stored = new Array<OnlineStored>(writes.length);
    try {
      await this.call(writes, stored);
    } catch (error) {
      if (!messageOf(error).includes('Function not found')) throw classify(error, this.address);
      // The server was restarted or flushed: it lost the library.
      await this.loadFunction();
      await this.call(writes, stored).catch((again: unknown) => {
        throw classify(again, this.address);
      });
    }
    return stored;
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

  private async call(writes: readonly OnlineWrite[], stored: OnlineStored[]): Promise<void> {
    const chunks = chunksOf(writes);
    const pipeline = this.redis.pipeline();
    for (const { view, indexes } of chunks) {
      const keys = indexes.map((index) => writes[index]!.key);
      pipeline.fcall(upsertFunction.name, keys.length, ...keys, ...argumentsOf(view, writes, indexes));
    }
    const results = (await pipeline.exec())!;
    chunks.forEach(({ indexes }, c) => {
      const [error, reply] = results[c]!;
      if (error !== null) throw error;
      const [now, ...answers] = reply as string[];
      indexes.forEach((index, i) => {
        stored[index] = parseAnswer(answers[i]!, writes[index]!, Number(now));
      });
    });
  }
}

interface Chunk {
  readonly view: OnlineView;
  readonly indexes: number[];
}

/** Writes of one view stand together; a key's writes keep their order, since all of them are of the same views. */
function chunksOf(writes: readonly OnlineWrite[]): Chunk[] {
  const open = new Map<OnlineView, Chunk>();
  const chunks: Chunk[] = [];
  writes.forEach(({ view }, index) => {
    let chunk = open.get(view);
    if (chunk === undefined || chunk.indexes.length === chunkKeys) {
      chunk = { view, indexes: [] };
      open.set(view, chunk);
      chunks.push(chunk);
    }
    chunk.indexes.push(index);
  });
  return chunks;
}

function argumentsOf(
  view: OnlineView,
  writes: readonly OnlineWrite[],
  indexes: readonly number[],
): (string | number)[] {
  const args: (string | number)[] = [bookkeepingField(view.name), view.fields.length, ...view.fields];
  for (const index of indexes) {
    const { generation, position, asOf_us, values } = writes[index]!;
    args.push(generation, position, asOf_us);
    for (const value of values) args.push(value === null ? '' : `=${value}`);
  }
  return args;
}

function parseAnswer(answer: string, write: OnlineWrite, now_us: number): OnlineStored {
  if (answer === '')
    return { applied: true, generation: write.generation, position: write.position, visibleAt_us: now_us };
  const [applied, generation, position, visibleAt_us] = answer.split(':').map(Number);
  return { applied: applied === 1, generation: generation!, position: position!, visibleAt_us: visibleAt_us! };
}
