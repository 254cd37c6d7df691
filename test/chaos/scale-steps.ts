/** How a fleet is scaled from one worker to three and to two: as an orchestrator does it, and by losing workers. */
import type { ChaosFleet } from './chaos-fleet.ts';
import { wait } from './fault.ts';
import type { WorkerSlot } from './worker-slot.ts';

export interface ScaleStep {
  readonly name: string;
  readonly act: (fleet: ChaosFleet) => Promise<void>;
}

export type ScaleManner = 'planned' | 'killed';

const onlyRows_ms = 5000;

/** What rows wait for when nobody moves. */
const nothing: ScaleStep = { name: 'nothing moves', act: () => wait(onlyRows_ms) };

export const start = (name: string, ...places: number[]): ScaleStep => ({
  name,
  act: async ({ slots }) => {
    await Promise.all(places.map((at) => slots[at]!.start()));
  },
});

const drain = async (slot: WorkerSlot): Promise<void> => {
  const code = await slot.drain();
  if (code !== 0) throw new Error(`a worker that was told to drain ended with ${code}`);
};

export const stop = (name: string, at: number): ScaleStep => ({ name, act: ({ slots }) => drain(slots[at]!) });

const restart = (name: string, at: number): ScaleStep => ({
  name,
  act: async ({ slots }) => {
    await drain(slots[at]!);
    await slots[at]!.start();
  },
});

export const kill = (name: string, at: number): ScaleStep => ({
  name,
  act: ({ slots }) => slots[at]!.kill({ loseDisk: false }),
});

const killAndStart = (name: string, at: number): ScaleStep => ({
  name,
  act: async ({ slots }) => {
    await slots[at]!.kill({ loseDisk: false });
    await slots[at]!.start();
  },
});

/** Each begins with what the one before has left: planned moves with one worker, kills with two, where the third place is free. */
export const scaleSteps: Readonly<Record<ScaleManner, readonly ScaleStep[]>> = {
  planned: [
    nothing,
    start('1 → 3, two are started', 1, 2),
    restart('rolling restart, first of 3', 0),
    restart('rolling restart, second of 3', 1),
    restart('rolling restart, third of 3', 2),
    stop('3 → 2, one gets SIGTERM', 2),
  ],
  killed: [
    nothing,
    kill('2 → 1, kill -9', 0),
    start('1 → 3, two are started', 0, 2),
    killAndStart('kill -9 of one of 3, started again at once', 1),
    kill('3 → 2, kill -9', 0),
  ],
};
