/** Transactions in memory, in the steps that Kafka takes: records stand in the log before they count, offsets wait with them. */
import { MillraceError, RetriableError } from '../../errors.ts';
import type { Clock } from '../../time/clock.ts';
import type { Append, GroupConsumer, Offset, Transactor, TransactorOptions } from '../log.ts';
import type { MemoryGroup } from './memory-group.ts';
import { type MemoryMember } from './memory-member.ts';
import type { MemoryTopic, TransactionState } from './memory-topic.ts';

/** What is done of a commit. */
export type CommitStep = 'begun' | 'produced' | 'prepared' | 'committed';

export interface MemoryTransactorOptions extends TransactorOptions {
  readonly clock: Clock;
  readonly topicOf: (name: string) => MemoryTopic | undefined;
  readonly memberOf: (consumer: GroupConsumer) => MemoryMember | undefined;
  /** Waits between two steps: a simulator lets things happen there. */
  readonly step: (step: CommitStep, transactor: string) => Promise<void>;
}

/** An owner that was not heard of for so long does not hold readers back any longer. */
const transactionTimeout_ms = 5000;

interface OpenTransaction {
  readonly state: TransactionState;
  readonly group: MemoryGroup;
  readonly partitions: Map<MemoryTopic, Set<number>>;
}

export class MemoryTransactor implements Transactor {
  private readonly options: MemoryTransactorOptions;
  private closed = false;

  constructor(options: MemoryTransactorOptions) {
    this.options = options;
  }

  commit(consumer: GroupConsumer, records: readonly Append[], offsets: readonly Offset[]): Promise<readonly number[]> {
    const member = this.options.memberOf(consumer);
    if (member === undefined) throw new TypeError('the consumer is of another log');
    return member.during(this.run(member, records, offsets));
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private async run(member: MemoryMember, records: readonly Append[], offsets: readonly Offset[]): Promise<number[]> {
    const { name, clock, step } = this.options;
    if (this.closed) throw new RetriableError('transaction-failed', `transactor ${name} is closed`);
    const check = member.claim(offsets);
    const state: TransactionState = { outcome: 'open' };
    const transaction = { state, group: member.group, partitions: new Map<MemoryTopic, Set<number>>() };
    const cancel = clock.after(transactionTimeout_ms, () => {
      end(transaction, 'aborted');
    });
    try {
      await step('begun', name);
      const appended = records.map((record) => this.append(transaction, record));
      await step('produced', name);
      check();
      member.group.prepare(member, offsets, state);
      await step('prepared', name);
      if (state.outcome !== 'open') throw new RetriableError('transaction-failed', `transaction of ${name}: timed out`);
      end(transaction, 'committed');
      await step('committed', name);
      return appended;
    } catch (error) {
      end(transaction, 'aborted');
      throw error;
    } finally {
      cancel();
    }
  }

  private append({ state, partitions }: OpenTransaction, { topic, partition, key, value }: Append): number {
    const { topicOf, name, clock } = this.options;
    const found = topicOf(topic);
    if (found === undefined) throw new MillraceError('delivery-failed', `topic ${topic} does not exist`);
    // A producer that was fenced by its timeout gets nothing into the log any more.
    if (state.outcome !== 'open') throw new RetriableError('transaction-failed', `transaction of ${name}: timed out`);
    const of = partitions.get(found) ?? new Set();
    partitions.set(found, of.add(partition));
    return found.append(partition, key, value, clock.now_ms(), state);
  }
}

function end({ state, group, partitions }: OpenTransaction, outcome: 'committed' | 'aborted'): void {
  if (state.outcome !== 'open') return;
  state.outcome = outcome;
  group.decide(state);
  for (const [topic, of] of partitions) for (const partition of of) topic.appendMarker(partition);
}
