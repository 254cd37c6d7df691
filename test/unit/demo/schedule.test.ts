import { expect, it } from 'vitest';
import { loadTime_ms } from '../../../demo/schedule.ts';

const window_ms = 300_000;

it('never ends the load where a window’s edge leaves little to compare, and always within 40 s', () => {
  for (let start_ms = 0; start_ms < window_ms; start_ms += 100) {
    const length_ms = loadTime_ms(start_ms);
    const end_ms = (start_ms + length_ms) % window_ms;
    expect(length_ms).toBeGreaterThanOrEqual(20_000);
    expect(length_ms).toBeLessThanOrEqual(40_000);
    expect(end_ms, `start ${start_ms}`).toBeGreaterThanOrEqual(12_000);
    expect(end_ms, `start ${start_ms}`).toBeLessThanOrEqual(window_ms - 8_000);
  }
});
