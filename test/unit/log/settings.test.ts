import { expect, test } from 'vitest';
import { groupSettings, readerSettings } from '../../../src/log/kafka/settings.ts';

const group = 'millrace.entity';

test('a member without a name is new each time, and is missed after six seconds', () => {
  const settings = groupSettings({}, group, null);
  expect(settings).toMatchObject({ 'group.id': group, 'session.timeout.ms': 6000 });
  expect(settings).not.toHaveProperty(['group.instance.id']);
});

test('a member with a name has time to come back', () => {
  expect(groupSettings({}, group, 'features-0')).toMatchObject({
    'group.id': group,
    'group.instance.id': 'features-0',
    'session.timeout.ms': 45_000,
    'heartbeat.interval.ms': 300,
    'partition.assignment.strategy': 'cooperative-sticky',
  });
});

test('how much time is the user’s to say', () => {
  const user = { 'session.timeout.ms': '20000' };
  expect(groupSettings(user, group, 'features-0')).toMatchObject({ 'session.timeout.ms': '20000' });
});

test('where the broker keeps the sessions, nothing of them is said', () => {
  const settings = groupSettings({ 'group.protocol': 'consumer' }, group, 'features-0');
  expect(settings).toMatchObject({ 'group.instance.id': 'features-0' });
  for (const name of ['session.timeout.ms', 'heartbeat.interval.ms', 'partition.assignment.strategy'])
    expect(settings).not.toHaveProperty([name]);
});

test('who joins no group has no name in one', () => {
  expect(readerSettings({})).not.toHaveProperty(['group.instance.id']);
});
