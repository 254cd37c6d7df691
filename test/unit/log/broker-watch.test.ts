/** In the shape of what librdkafka tells of itself; one that had lost its brokers was seen to tell `"brokers":{ }`. */
import { describe, expect, test } from 'vitest';
import { brokerListener } from '../../../src/log/kafka/broker-watch.ts';

const telling = (brokers: string): { message: string } => ({
  message: `{ "name": "millrace#producer-1", "client_id": "millrace", "type": "producer", "brokers":{ ${brokers}}, "topics":{ } }`,
});
const broker = (source: string, state = 'UP'): string =>
  `"127.0.0.1:9092/1": { "name":"127.0.0.1:9092/1", "nodeid":1, "source":"${source}", "state":"${state}" }`;

function losses(...brokers: string[]): number {
  let lost = 0;
  const listen = brokerListener(() => (lost += 1));
  for (const each of brokers) listen(telling(each));
  return lost;
}

describe('a client that has forgotten its brokers', () => {
  test('is found the second time that it lists none, once', () => {
    expect(losses(broker('learned'), '')).toBe(0);
    expect(losses(broker('learned'), '', '')).toBe(1);
    expect(losses('', '', '', '')).toBe(1);
  });

  test('a coordinator has no address of its own', () => {
    expect(losses(broker('logical'), broker('logical'))).toBe(1);
  });

  test('brokers that are down, or known from the settings alone, are not forgotten', () => {
    expect(losses(broker('learned', 'DOWN'), broker('learned', 'DOWN'))).toBe(0);
    expect(losses(broker('configured', 'CONNECT'), broker('configured', 'CONNECT'))).toBe(0);
  });

  test('a moment without brokers passes', () => {
    expect(losses('', broker('configured'), '', broker('learned'))).toBe(0);
  });
});
