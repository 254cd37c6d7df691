/** A Redis, against what a worker needs of it. */
import { fault, fine, warning, type Finding } from './findings.ts';

export interface RedisFacts {
  readonly version: string;
  readonly policy: string | null;
  readonly maxmemory_bytes: number;
  readonly used_bytes: number;
  readonly role: string;
}

const oldest = 7;
const fullShare = 0.85;

export function redisFindings({ version, policy, maxmemory_bytes, used_bytes, role }: RedisFacts): Finding[] {
  const findings = [
    Number(version.split('.')[0]) >= oldest
      ? fine('redis version', version)
      : fault('redis version', `is ${version}`, `use ${oldest} or newer, or Valkey: writes are fenced by a function`),
    role === 'master' || role === ''
      ? fine('redis role', role === '' ? 'not said' : role)
      : fault('redis role', `is ${role}`, 'MILLRACE_REDIS_URL must name the primary'),
    policy === null || policy === 'noeviction'
      ? fine('redis maxmemory-policy', policy ?? 'not said')
      : warning(
          'redis maxmemory-policy',
          `is ${policy}`,
          'set it to noeviction: any other may evict features and their fences',
        ),
  ];
  if (maxmemory_bytes > 0) {
    const share = used_bytes / maxmemory_bytes;
    const says = `${Math.round(share * 100)} % used`;
    findings.push(
      share < fullShare
        ? fine('redis memory', says)
        : warning('redis memory', says, 'give it more: a full Redis refuses every value'),
    );
  }
  return findings;
}
