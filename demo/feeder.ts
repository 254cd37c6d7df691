/** Plays the shop into the log at a steady rate, as its connector would. */
import type { LogProducer } from '../src/log/log.ts';
import type { Shop } from './generator.ts';

const tick_ms = 10;
/** After a pause of the process the rest is dropped, not caught up in one burst. */
const burst_ms = 250;
/** The users of the opening sign up faster, so that there is something to look at. */
const openingFactor = 2.5;
const pendingLimit_bytes = 32 * 1024 * 1024;

export class Feeder {
  /** Users whose values were touched since the last look, with the instant of the newest commit. */
  readonly touched = new Map<number, number>();
  private timer: NodeJS.Timeout | null = null;
  private readonly shop: Shop;
  private readonly producer: LogProducer;
  private readonly rowsPerSecond: number;

  constructor(shop: Shop, producer: LogProducer, rowsPerSecond: number) {
    this.shop = shop;
    this.producer = producer;
    this.rowsPerSecond = rowsPerSecond;
  }

  start(): void {
    let before = performance.now();
    let budget = 0;
    this.timer = setInterval(() => {
      const now = performance.now();
      const rate = this.rowsPerSecond * (this.shop.isOpen ? 1 : openingFactor);
      budget += (Math.min(now - before, burst_ms) * rate) / 1000;
      before = now;
      if (this.producer.pending_bytes > pendingLimit_bytes) budget = 0;
      while (budget >= 1) budget -= this.send();
    }, tick_ms);
  }

  /** Resolves when all that was sent is acknowledged. */
  async stop(): Promise<void> {
    if (this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
    await this.producer.flush();
    await this.producer.close();
  }

  private send(): number {
    const now_us = Date.now() * 1000;
    const { truth } = this.shop;
    const before = truth.length;
    let rows = 0;
    for (const { topic, partition, key, value } of this.shop.next(now_us)) {
      this.producer.append(topic, partition, key, value);
      if (value !== null) rows++;
    }
    for (let i = before; i < truth.length; i++) this.touched.set(truth[i]!.row.user_id, now_us);
    return rows;
  }
}
