/** The floor's process, as the probe sees it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../src/log/log.ts';
import type { Slice } from './schedule.ts';

interface Hop {
  readonly topic: string;
  readonly partitions: number;
}

export interface FloorSetup {
  readonly brokers: string;
  readonly redisUrl: string;
  readonly hops: readonly [Hop, Hop];
}

export interface FloorTask {
  readonly slices: readonly Slice[];
  readonly perSecond: number;
}

/** Of the measured messages, in their order. */
export interface FloorResult {
  readonly fromSent_ms: readonly number[];
  readonly fromDue_ms: readonly number[];
}

const program = fileURLToPath(new URL('floor-chain.ts', import.meta.url));

export class Floor {
  private readonly child: ChildProcess;
  private readonly ended: Promise<never>;

  private constructor(setup: FloorSetup) {
    this.child = fork(program, [JSON.stringify(setup)], { execArgv: ['--conditions=source', '--import', 'tsx'] });
    this.ended = once(this.child, 'exit').then(([code]) => {
      throw new Error(`the floor's process ended with ${String(code)}`);
    });
    this.ended.catch(() => undefined);
  }

  /** Makes the topics and starts the process; resolves when it is connected. */
  static async start(log: Log, setup: FloorSetup): Promise<Floor> {
    await log.ensureTopics(setup.hops.map(({ topic, partitions }) => ({ name: topic, partitions, config: {} })));
    const floor = new Floor(setup);
    await floor.answer();
    return floor;
  }

  /** Resolves when all of the task's messages are in Redis. */
  async run(task: FloorTask): Promise<FloorResult> {
    const answer = this.answer();
    this.child.send(task);
    return (await answer) as FloorResult;
  }

  async stop(): Promise<void> {
    if (!this.child.connected) return;
    this.child.disconnect();
    await this.ended.catch(() => undefined);
  }

  private async answer(): Promise<unknown> {
    const [message] = (await Promise.race([once(this.child, 'message'), this.ended])) as [unknown];
    return message;
  }
}
