/** Calls at fixed times: a call that is overdue is made at once and moves none that follow. */
import type { Slice } from './schedule.ts';
import { sleep, type WallClock } from './wall-clock.ts';

export async function atRate(
  clock: WallClock,
  { from_ms, to_ms }: Slice,
  perSecond: number,
  call: (due_ms: number) => void,
): Promise<void> {
  const calls = Math.floor(((to_ms - from_ms) * perSecond) / 1000);
  for (let i = 0; i < calls;) {
    const due_ms = from_ms + (i * 1000) / perSecond;
    const wait_ms = due_ms - clock.now_ms();
    if (wait_ms > 0) {
      await sleep(wait_ms);
      continue;
    }
    call(due_ms);
    i++;
  }
}
