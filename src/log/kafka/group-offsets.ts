/** What a group has committed, as its coordinator says: asked by somebody who need not be a member. */
import type { Offset, TopicPartition } from '../log.ts';
import { call, type GroupOffsets } from './client.ts';
import type { GroupRequest } from './group-members.ts';
import { offsetsOf } from './offsets.ts';
import { retrying } from './retry.ts';

const request_ms = 5000;

export async function groupOffsets(
  { admin, surroundings, goOn }: GroupRequest,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly (Offset | null)[]> {
  if (partitions.length === 0) return [];
  const asked = partitions.map(({ topic, partition }) => ({ topic, partition }));
  const options = { timeout: request_ms, requireStableOffsets: true };
  const attempt = async (): Promise<GroupOffsets['partitions']> => {
    const [found] = await call<GroupOffsets[]>((done) => {
      admin.client.listConsumerGroupOffsets([{ groupId, partitions: asked }], options, done);
    });
    const parts = found?.partitions ?? [];
    const error = [found?.error, ...parts.map((part) => part.error)].find((each) => each && each.code !== 0);
    if (error !== undefined) throw error;
    return parts;
  };
  const found = await retrying({ ...surroundings, what: 'reading the offsets of a group', goOn }, attempt);
  return offsetsOf(asked, found);
}
