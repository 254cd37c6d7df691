/** The online store with a witness, who sees every write and remembers what no flush takes away. */
import type { MemoryOnlineStore } from '../../online/memory/memory-online-store.ts';
import { bookkeepingField, parseBookkeeping, type OnlineWrite } from '../../online/online-store.ts';

interface Seen {
  readonly position: number;
  readonly asOf_us: number;
}

/** Like the text of a value in the checks of the logs. */
export const valueText = (asOf_us: number, values: readonly (string | null)[]): string =>
  JSON.stringify([asOf_us, values]);

export class WatchedOnlineStore implements MemoryOnlineStore {
  /** Every value that ever became visible, by `<view> <online key> <position>`. */
  readonly visible = new Map<string, string>();
  private readonly inner: MemoryOnlineStore;
  private readonly violations: string[];
  /** The newest that was ever there, also before a flush. */
  private readonly reached = new Map<string, number>();
  /** What is there now. */
  private newest = new Map<string, Seen>();
  private waiting: (() => void)[] = [];

  constructor(inner: MemoryOnlineStore, violations: string[]) {
    this.inner = inner;
    this.violations = violations;
  }

  /** How far a key's values ever reached; −1 when there were none. */
  reachedBy(view: string, key: string): number {
    return this.reached.get(`${view} ${key}`) ?? -1;
  }

  /** Calls once, right behind the next write. */
  afterWrite(call: () => void): void {
    this.waiting.push(call);
  }

  async upsert(...call: Parameters<MemoryOnlineStore['upsert']>): ReturnType<MemoryOnlineStore['upsert']> {
    const [writes] = call;
    const result = this.inner.upsert(...call);
    const hashes = this.inner.read(writes.map(({ key }) => key));
    for (const next of this.waiting.splice(0)) next();
    const { stored } = await result;
    for (const [i, hash] of (await hashes).entries()) {
      const write = writes[i]!;
      if (stored[i]!.applied) this.saw(write);
      this.isNotBack(write, hash!);
    }
    return result;
  }

  read(keys: Parameters<MemoryOnlineStore['read']>[0]): ReturnType<MemoryOnlineStore['read']> {
    return this.inner.read(keys);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  flush(): void {
    this.newest = new Map();
    this.inner.flush();
  }

  snapshot(): ReturnType<MemoryOnlineStore['snapshot']> {
    return this.inner.snapshot();
  }

  revert(to: Parameters<MemoryOnlineStore['revert']>[0]): void {
    this.newest = new Map();
    this.inner.revert(to);
  }

  private saw({ view, key, position, asOf_us, values }: OnlineWrite): void {
    const id = `${view.name} ${key}`;
    const text = valueText(asOf_us, values);
    const before = this.visible.get(`${id} ${position}`);
    if (before !== undefined && before !== text)
      this.violations.push(`I1: ${id} at position ${position} was ${before}, and is written as ${text}`);
    this.visible.set(`${id} ${position}`, text);
    this.reached.set(id, Math.max(this.reached.get(id) ?? -1, position));
  }

  private isNotBack({ view, key }: OnlineWrite, hash: ReadonlyMap<string, string>): void {
    const id = `${view.name} ${key}`;
    const { position, asOf_us } = parseBookkeeping(hash.get(bookkeepingField(view.name))!);
    const before = this.newest.get(id);
    if (before !== undefined && (position < before.position || asOf_us < before.asOf_us))
      this.violations.push(
        `I4: ${id} went back from position ${before.position}, as of ${before.asOf_us}, to ${position}, as of ${asOf_us}`,
      );
    this.newest.set(id, { position, asOf_us });
  }
}
