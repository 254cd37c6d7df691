/**
 * What docs/recovery.md tells an operator to do where a lone broker was restarted between the decision of a transaction and its markers:
 * the partitions are listed and ended with the broker's own tool. It names only those that the transaction's coordinator does not know to be open.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const tool = fileURLToPath(new URL('../../deploy/stack/kafka-tool.sh', import.meta.url));
const settings = fileURLToPath(new URL('../../.stack/kafka/server.properties', import.meta.url));

export interface Hanging {
  readonly topic: string;
  readonly partition: string;
  readonly startOffset: string;
}

/** Rows of topic, partition, producer, its epoch, the coordinator's, and where the transaction begins; a head above them. */
export const parseHanging = (listed: string): readonly Hanging[] =>
  listed.split('\n').flatMap((line) => {
    const [topic, partition, , , , startOffset] = line.trim().split(/\s+/);
    return topic && partition && /^\d+$/.test(startOffset ?? '')
      ? [{ topic, partition, startOffset: startOffset! }]
      : [];
  });

/** @returns the partitions on which one was ended. */
export async function endHangingTransactions(): Promise<readonly string[]> {
  const broker = /^node\.id=(\d+)$/m.exec(readFileSync(settings, 'utf8'))![1]!;
  const listed = await transactions('find-hanging', '--broker-id', broker, '--max-transaction-timeout', '0');
  const hanging = parseHanging(listed);
  for (const { topic, partition, startOffset } of hanging)
    await transactions('abort', '--topic', topic, '--partition', partition, '--start-offset', startOffset);
  return hanging.map(({ topic, partition }) => `${topic}/${partition}`);
}

/** @throws Error when the tool refuses. */
async function transactions(...args: string[]): Promise<string> {
  const servers = process.env['MILLRACE_KAFKA_BROKERS']!;
  const command = ['org.apache.kafka.tools.TransactionsCommand', '--bootstrap-server', servers, ...args];
  return (await promisify(execFile)(tool, command)).stdout;
}
