/** Listing offsets while a broker comes back: what the client answers then was seen on the real one. */
import { describe, expect, test } from 'vitest';
import type { AdminClient, ListedOffset } from '../../src/log/kafka/client.ts';
import { OffsetLister } from '../../src/log/kafka/offsets.ts';
import { silentLogger } from '../../src/observability/logger.ts';
import { systemClock } from '../../src/time/clock.ts';

const at = { topic: 'rows', partition: 0 };
const fencedLeaderEpoch = 74;

/** Gives the answers one after another, the last one for ever; counts how often it was asked for the leaders. */
function admin(...answers: readonly (readonly ListedOffset[])[]): AdminClient & { refreshed: string[] } {
  let asked = 0;
  const refreshed: string[] = [];
  const listOffsets: AdminClient['listOffsets'] = (_partitions, _options, done) => {
    done(null, [...answers[Math.min(asked++, answers.length - 1)]!]);
  };
  const getMetadata: AdminClient['getMetadata'] = ({ topic = 'all' }, done) => {
    refreshed.push(topic);
    done(null, {});
  };
  return { listOffsets, getMetadata, refreshed } as AdminClient & { refreshed: string[] };
}

const listerOf = (client: AdminClient): OffsetLister =>
  new OffsetLister(
    { client },
    {
      settings: {},
      clock: systemClock,
      logger: silentLogger,
      startTimeout_ms: 1000,
    },
  );

describe('listing offsets', () => {
  test('a leader in an epoch that is over refuses: the leaders are asked for again, or it would refuse for five minutes', async () => {
    const error = Object.assign(new Error('Leader epoch is older than broker epoch'), { code: fencedLeaderEpoch });
    const client = admin([{ ...at, offset: -1, error }], [{ ...at, offset: 7 }]);
    expect(await listerOf(client).ends([at], () => undefined)).toEqual([7]);
    expect(client.refreshed).toEqual(['rows']);
  });

  test.each([
    ['no answer for a partition', []],
    ['an answer without an offset and without an error', [{ ...at, offset: -1001 }]],
  ])('%s is no offset', async (_, answer) => {
    const client = admin(answer, [{ ...at, offset: 7 }]);
    expect(await listerOf(client).ends([at], () => undefined)).toEqual([7]);
  });
});
