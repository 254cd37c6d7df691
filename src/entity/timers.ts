/**
 * Timers in the order of (time, key, view): a binary heap. An entry is never later than the timer that it stands for; one that is earlier, or
 * stands for none any more, is recognised when it comes up.
 */
export interface Timer {
  readonly time_us: number;
  readonly view: number;
  readonly key: string;
}

export function isBefore(a: Timer, b: Timer): boolean {
  if (a.time_us !== b.time_us) return a.time_us < b.time_us;
  return a.key === b.key ? a.view < b.view : a.key < b.key;
}

export class Timers {
  private readonly heap: Timer[] = [];

  get size(): number {
    return this.heap.length;
  }

  peek(): Timer | undefined {
    return this.heap[0];
  }

  push(timer: Timer): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  pop(): Timer | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }

  /** How many entries up to a time are accepted, at most `limit`; in no order. */
  countUntil(time_us: number, limit: number, accept: (timer: Timer) => boolean): number {
    const { heap } = this;
    const stack = [0];
    let count = 0;
    for (let at = stack.pop(); at !== undefined && count < limit; at = stack.pop()) {
      const timer = heap[at];
      if (timer === undefined || timer.time_us > time_us) continue;
      if (accept(timer)) count++;
      stack.push(2 * at + 1, 2 * at + 2);
    }
    return count;
  }

  /** Forgets what is not accepted. */
  keep(accept: (timer: Timer) => boolean): void {
    const kept = this.heap.filter(accept);
    this.heap.length = 0;
    for (const timer of kept) this.push(timer);
  }
}
