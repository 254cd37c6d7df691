/**
 * Where a broker knows a producer. It checks the sequence of a producer's records only in partitions that have some of it already: of
 * others it takes any first batch. When a new leader turns the very first away and takes the one behind it, librdkafka (2.15) holds the first
 * for written too ("implicitly acked"), and it is lost without a word. So nothing is to be on its way behind a first record.
 */
import type { Clock } from '../../time/clock.ts';
import type { TopicPartition } from '../log.ts';

/** Brokers forget a producer after a day without a record (`producer.id.expiration.ms`), unless they are told to earlier. */
const forgotten_ms = 3_600_000;

export class KnownPartitions {
  private readonly clock: Clock;
  /** By topic and partition, when a record was acknowledged last. */
  private readonly topics = new Map<string, Map<number, number>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  has({ topic, partition }: TopicPartition): boolean {
    const last_ms = this.topics.get(topic)?.get(partition);
    return last_ms !== undefined && this.clock.monotonic_ms() - last_ms < forgotten_ms;
  }

  acknowledged({ topic, partition }: TopicPartition): void {
    let partitions = this.topics.get(topic);
    if (partitions === undefined) this.topics.set(topic, (partitions = new Map<number, number>()));
    partitions.set(partition, this.clock.monotonic_ms());
  }
}
