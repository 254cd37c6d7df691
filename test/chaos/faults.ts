/** All faults by the names that `--only` takes. */
import { connectAway, connectKilled } from './connector-faults.ts';
import type { Fault } from './fault.ts';
import { kafkaFrozen, kafkaRestarted, redisFlushed, redisRestarted, s3Away } from './server-faults.ts';
import { drained, frozen, frozenWithValues, killed, restarted } from './worker-faults.ts';

export const faults = {
  'worker killed': killed(false),
  'worker killed, disk lost': killed(true),
  'worker killed, restarted at once': restarted,
  'worker frozen': frozen,
  'worker frozen, values under way': frozenWithValues,
  'worker drained': drained,
  'connect killed': connectKilled,
  'kafka restarted': kafkaRestarted,
  'kafka frozen': kafkaFrozen,
  'redis flushed': redisFlushed,
  'redis restarted': redisRestarted,
  's3 away': s3Away(60_000),
  'connect away': connectAway,
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof faults;

export const isKill = (name: FaultName): boolean => name.startsWith('worker killed');
