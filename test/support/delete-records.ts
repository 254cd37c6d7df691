/** Lets a partition begin later, as retention does in time. */
import { promisify } from 'node:util';
import kafka from '@confluentinc/kafka-javascript';

export async function deleteBefore(topic: string, partition: number, offset: number): Promise<void> {
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': process.env['MILLRACE_KAFKA_BROKERS']! });
  await promisify((done: (error: unknown) => void) => {
    admin.deleteRecords([{ topic, partition, offset }], {}, done);
  })();
  admin.disconnect();
}
