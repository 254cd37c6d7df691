/** How old a change is when its value becomes visible: sampled from the stored values' own bookkeeping. */
import { renderKey } from '../src/define/key.ts';
import type { ViewPlan } from '../src/define/plan.ts';
import { bookkeepingField, parseBookkeeping, type OnlineStore } from '../src/online/online-store.ts';

const pendingUsers = 2_000;
const keptSamples = 20_000;

export interface Percentiles {
  readonly p50_ms: number;
  readonly p99_ms: number;
}

export class Freshness {
  private readonly online: OnlineStore;
  private readonly view: ViewPlan;
  /** Users whose newest change was not visible at the last look, with its commit. */
  private readonly pending = new Map<number, number>();
  private readonly recent_ms: number[] = [];
  private samples_ms: number[] = [];

  constructor(online: OnlineStore, view: ViewPlan) {
    this.online = online;
    this.view = view;
  }

  /**
   * Looks at users that were just changed, and forgets them. To be called often.
   * @param touched user → commit of its newest change, microseconds.
   */
  async look(touched: Map<number, number>): Promise<void> {
    for (const [user, commit_us] of touched) {
      // Changed again while it was on its way: what becomes visible could be either.
      if (this.pending.delete(user)) continue;
      if (this.pending.size < pendingUsers) this.pending.set(user, commit_us);
    }
    touched.clear();
    const asked = [...this.pending];
    const hashes = await this.online.read(asked.map(([user]) => renderKey(this.view.online, String(user))));
    const fresh: number[] = [];
    asked.forEach(([user, commit_us], i) => {
      const text = hashes[i]?.get(bookkeepingField(this.view.name));
      const visibleAt_us = text === undefined ? -Infinity : parseBookkeeping(text).visibleAt_us;
      // An older visible-at belongs to a change before this one.
      if (visibleAt_us < commit_us) return;
      fresh.push((visibleAt_us - commit_us) / 1000);
      this.pending.delete(user);
    });
    this.recent_ms.push(...fresh);
  }

  /** Since the last call; null when nothing became visible. */
  takeRecent(): Percentiles | null {
    const recent_ms = this.recent_ms.splice(0);
    this.samples_ms = [...this.samples_ms, ...recent_ms].slice(-keptSamples);
    return percentiles(recent_ms);
  }

  /** Of the newest samples, a minute or so. */
  get overall(): Percentiles | null {
    return percentiles(this.samples_ms);
  }
}

export function percentiles(samples_ms: readonly number[]): Percentiles | null {
  if (samples_ms.length === 0) return null;
  const sorted = Float64Array.from(samples_ms).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { p50_ms: at(0.5), p99_ms: at(0.99) };
}
