/** Who is in a group, and what each member owns, as the group's coordinator says. */
import type { GroupMember } from '../log.ts';
import type { Admin } from './admin.ts';
import { call, codes, type GroupDescriptions } from './client.ts';
import type { Surroundings } from './connection.ts';
import { retrying } from './retry.ts';

const request_ms = 5000;

export interface GroupRequest {
  readonly admin: Admin;
  readonly surroundings: Surroundings;
  readonly goOn: () => void;
}

export async function groupMembers(
  { admin, surroundings, goOn }: GroupRequest,
  group: string,
): Promise<readonly GroupMember[]> {
  const attempt = async (): Promise<GroupDescriptions['groups'][number] | undefined> => {
    const { groups } = await call<GroupDescriptions>((done) => {
      admin.client.describeGroups([group], { timeout: request_ms }, done);
    });
    const error = groups[0]?.error;
    if (error !== undefined && error.code !== 0 && error.code !== codes.groupNotFound) throw error;
    return groups[0];
  };
  const found = await retrying({ ...surroundings, what: 'describing a group', goOn }, attempt);
  const { groupInstanceId } = surroundings;
  return (found?.members ?? []).map((member) => ({
    partitions: member.assignment.topicPartitions.map(({ topic, partition }) => ({ topic, partition })),
    isOwn: member.groupInstanceId !== undefined && member.groupInstanceId === groupInstanceId,
  }));
}
