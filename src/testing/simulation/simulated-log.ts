/** The memory log as one process sees it: calls take time, deliveries may fail, outcomes may be lost, sessions expire. */
import type { EntityPlan } from '../../define/plan.ts';
import { MillraceError, RetriableError } from '../../errors.ts';
import { decodeEntityFrame } from '../../frames/row-frame.ts';
import type {
  GroupConsumer,
  GroupConsumerOptions,
  GroupHandlers,
  Log,
  LogProducer,
  LogRecord,
  Offset,
  ProducerOptions,
  TopicPartition,
  Transactor,
  TransactorOptions,
} from '../../log/log.ts';
import type { MemoryLog } from '../../log/memory/memory-log.ts';
import type { MemoryMember } from '../../log/memory/memory-member.ts';
import type { Clock } from '../../time/clock.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { World } from './world.ts';

/** How long a group waits for a member that is not heard of. Longer than a transaction may stay open. */
const sessionTimeout_ms = 6000;

export class SimulatedLog {
  /** Freezes the process for a while. */
  freezeNow: () => void = () => undefined;
  readonly log: Log;
  private readonly process: SimulatedProcess;
  private readonly inner: MemoryLog;
  private readonly world: Clock;
  private readonly random: Random;
  private readonly faults: Faults;
  private readonly entity: EntityPlan;
  private readonly members: MemoryMember[] = [];
  private readonly producers: SimulatedProducer[] = [];

  constructor(process: SimulatedProcess, world: Pick<World, 'log' | 'clock' | 'random' | 'faults' | 'entity'>) {
    const { log: inner } = world;
    this.process = process;
    this.inner = inner;
    this.world = world.clock;
    this.random = world.random.fork(process.name);
    this.faults = world.faults;
    this.entity = world.entity;
    this.log = {
      ensureTopics: (topics) => process.call(() => inner.ensureTopics(topics)),
      describeTopics: (names) => process.call(() => inner.describeTopics(names)),
      topicNames: () => process.call(() => inner.topicNames()),
      groupMembers: (group) => process.call(() => inner.groupMembers(group)),
      groupOffsets: (group, partitions) => process.call(() => inner.groupOffsets(group, partitions)),
      producer: (options) => process.call(() => this.openProducer(options)),
      transactor: (options) => process.call(() => this.openTransactor(options)),
      groupConsumer: (options) => this.joinInTime(options),
      reader: (options) =>
        process.call(() =>
          inner.reader({
            ...options,
            batch: async (records) => {
              await process.gate();
              await options.batch(records);
              await process.gate();
            },
          }),
        ),
      close: () => Promise.resolve(),
    };
  }

  /** The process died or is frozen: its sessions run out, unless it goes on before. */
  silent(): void {
    for (const member of this.members) {
      this.world.after(sessionTimeout_ms, () => {
        if (this.process.state !== 'running') member.expire();
      });
    }
    if (this.process.state === 'dead') for (const producer of this.producers) producer.die();
  }

  /** It goes on, and hears what became of its sessions. */
  heard(): void {
    for (const member of this.members) this.process.pass(() => member.rejoin());
  }

  /** The group loses sight of a process that runs. */
  expel(): void {
    for (const member of this.members) member.expire();
    this.world.after(this.random.between(0, 3000), () => this.heard());
  }

  private openProducer(options: ProducerOptions): Promise<LogProducer> {
    const { process, inner, world, random, faults, entity } = this;
    return inner.producer(options).then((producer) => {
      const simulated = new SimulatedProducer({ process, world, random, faults, entity, producer, options });
      this.producers.push(simulated);
      return simulated;
    });
  }

  private async openTransactor(options: TransactorOptions): Promise<Transactor> {
    const { process, faults } = this;
    const inner = await this.inner.transactor({ ...options, name: process.name });
    return {
      commit: (consumer, records, offsets) => {
        const { member } = consumer as WrappedConsumer;
        // As in the real client: what is owned when the call is made, not when it arrives.
        return this.owning(member, offsets, async () => {
          const committed = await inner.commit(member, records, offsets);
          if (faults.strikes('lost commit answer'))
            throw new RetriableError('transaction-failed', 'the answer of a commit was lost');
          return committed;
        });
      },
      close: () => inner.close(),
    };
  }

  /** No handler is called before the caller has the consumer in hand. */
  private async joinInTime(options: GroupConsumerOptions): Promise<GroupConsumer> {
    let open: () => void = () => undefined;
    const inHand = new Promise<void>((resolve) => (open = resolve));
    const consumer = await this.process.call(() => this.join(options, inHand));
    this.world.after(0, open);
    return consumer;
  }

  private async join(options: GroupConsumerOptions, inHand: Promise<void>): Promise<GroupConsumer> {
    const { process } = this;
    const handlers = this.gated(options.handlers, inHand);
    const member = await this.inner.groupConsumer({ ...options, handlers });
    this.members.push(member);
    const consumer: WrappedConsumer = {
      member,
      committed: (partitions) => process.call(() => member.committed(partitions)),
      commit: (offsets) => this.owning(member, offsets, () => member.commit(offsets)),
      endOffsets: (partitions) =>
        process.call(async () => {
          const ends = await member.endOffsets(partitions);
          if (this.faults.strikes('frozen before end offsets arrive')) this.freezeNow();
          return ends;
        }),
      beginningOffsets: (partitions) => process.call(() => member.beginningOffsets(partitions)),
      position: (at) => {
        const held = handlers.waiting.find(({ topic, partition }) => topic === at.topic && partition === at.partition);
        return held?.offset ?? member.position(at);
      },
      pause: (partitions) => {
        member.pause(partitions);
      },
      resume: (partitions) => {
        member.resume(partitions);
      },
      seek: (offsets) => process.call(() => member.seek(offsets)),
      close: () => process.call(() => member.close()),
    };
    return consumer;
  }

  private async owning<T>(member: MemoryMember, offsets: readonly Offset[], work: () => Promise<T>): Promise<T> {
    const check = member.claim(offsets);
    return this.process.call(() => {
      check();
      return work();
    });
  }

  private gated(handlers: GroupHandlers, inHand: Promise<void>): GatedHandlers {
    const { process } = this;
    const passing = async <T>(work: () => Promise<T> | T): Promise<T> => {
      await inHand;
      await process.gate();
      const result = await work();
      await process.gate();
      return result;
    };
    // Assignments that wait at the gate. One that is lost there was never heard of: `lost` interrupts, it does not come first.
    const unheard = new Set<TopicPartition>();
    const gated: GatedHandlers = {
      waiting: [],
      assigned: (partitions) => {
        for (const at of partitions) unheard.add(at);
        return passing(() => {
          const still = partitions.filter((at) => unheard.delete(at));
          return still.length === 0 ? [] : handlers.assigned(still);
        });
      },
      revoked: (partitions) => passing(() => handlers.revoked(partitions)),
      lost: (partitions) => {
        const heard = partitions.filter((at) => !unheard.delete(at));
        if (heard.length > 0) handlers.lost(heard);
      },
      batch: (records) => {
        gated.waiting = records;
        return passing(() => {
          gated.waiting = [];
          return handlers.batch(records);
        });
      },
      failed: (error) => {
        process.pass(() => {
          handlers.failed(error);
        });
      },
    };
    return gated;
  }
}

interface GatedHandlers extends GroupHandlers {
  /** Records that were taken and wait at the gate: the position stands in front of them. */
  waiting: readonly LogRecord[];
}

interface WrappedConsumer extends GroupConsumer {
  readonly member: MemoryMember;
}

interface ProducerSurroundings {
  readonly process: SimulatedProcess;
  readonly world: Clock;
  readonly random: Random;
  readonly faults: Faults;
  readonly entity: EntityPlan;
  readonly producer: LogProducer;
  readonly options: ProducerOptions;
}

type Queued = Parameters<LogProducer['append']>;

/** Records travel in their order; what a dying process had queued arrives up to some record. */
class SimulatedProducer implements LogProducer {
  pending_bytes = 0;
  private readonly surroundings: ProducerSurroundings;
  private queue: Queued[] = [];
  private flushes: { readonly count: number; readonly resolve: () => void; readonly reject: (e: Error) => void }[] = [];
  private appended = 0;
  private delivered = 0;
  private delivering = false;
  private error: MillraceError | null = null;

  constructor(surroundings: ProducerSurroundings) {
    this.surroundings = surroundings;
  }

  append(...record: Queued): void {
    if (this.error !== null) throw this.error;
    this.queue.push(record);
    this.appended++;
    this.pending_bytes += sizeOf(record);
    this.deliverLater();
  }

  flush(): Promise<void> {
    if (this.error !== null) return Promise.reject(this.error);
    if (this.delivered === this.appended) return Promise.resolve();
    return new Promise((resolve, reject) => this.flushes.push({ count: this.appended, resolve, reject }));
  }

  close(): Promise<void> {
    return this.flush().catch(() => undefined);
  }

  /** Some of what was handed over had left before. */
  die(): void {
    const arrives = this.surroundings.random.between(0, this.queue.length);
    for (const record of this.queue.splice(0, arrives)) this.surroundings.producer.append(...record);
    this.queue = [];
  }

  private deliverLater(): void {
    if (this.delivering || this.queue.length === 0) return;
    this.delivering = true;
    const { world, random, process } = this.surroundings;
    const delay_ms = random.chance(0.02) ? random.between(20, 500) : random.next() * 2;
    // The client sends from within the process.
    world.after(delay_ms, () => {
      process.pass(() => {
        this.deliver();
      });
    });
  }

  private deliver(): void {
    const { faults, entity, producer, options } = this.surroundings;
    this.delivering = false;
    if (this.error !== null) return;
    if (faults.strikes('failed delivery')) {
      const error = new MillraceError('delivery-failed', `producer ${options.name}: a delivery failed`);
      this.error = error;
      // Whether the last one arrived is not known.
      if (faults.strikes('delivered although failed') && this.queue.length > 0) producer.append(...this.queue[0]!);
      this.queue = [];
      for (const { reject } of this.flushes.splice(0)) reject(error);
      options.failed(error);
      return;
    }
    for (const record of this.queue.splice(0)) {
      if (faults.hole === 'wanted' && isRowsFrame(record, entity)) faults.hole = 'made';
      else producer.append(...record);
      this.delivered++;
      this.pending_bytes -= sizeOf(record);
    }
    while (this.flushes.length > 0 && this.flushes[0]!.count <= this.delivered) this.flushes.shift()!.resolve();
  }
}

function isRowsFrame([topic, , , value]: Queued, entity: EntityPlan): boolean {
  return topic.endsWith('.entity-log') && decodeEntityFrame(value!, entity).kind === 'rows';
}

const sizeOf = ([, , key, value]: Queued): number => (key?.length ?? 0) + (value?.length ?? 0);
