import { describe, expect, it } from 'vitest';
import { drawTable, readable, type Picture } from '../../../demo/live-table.ts';
import { bar, sparkline } from '../../../demo/terminal.ts';

const now_ms = Date.parse('2026-05-01T12:00:00Z');
const wave = Array.from({ length: 90 }, (_, i) => 2_000 + 100 * Math.sin(i));

const picture: Picture = {
  definitions: 'examples/fraud/features.ts',
  view: 'user_features',
  elapsed_ms: 83_000,
  now_ms,
  rowsPerSecond: wave,
  freshness_ms: wave,
  freshness: { p50_ms: 3.14, p99_ms: 11.8 },
  counts: { inserts: 1_234_567, updates: 361_204, deletes: 84_020, replays: 31_204 },
  keyName: 'user_id',
  features: ['transaction_count_last_5_min', 'last_update_time'],
  keys: [
    { key: '1', values: ['12040', '2026-05-01T11:59:59.900000Z'] },
    { key: '42', values: ['7', '2026-05-01T11:57:00.000000Z'] },
    { key: '4999', values: ['0', null] },
  ],
  curl: 'curl http://127.0.0.1:8080/features/user_features/42',
  hint: 'Ctrl-C to stop',
};

describe('the live table', () => {
  it('fits into 80 columns and is plain text without colour', () => {
    const lines = drawTable(picture, { columns: 80, color: false });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.join('')).not.toContain('\x1b');
    expect(lines.find((line) => line.includes('4999'))).toMatch(/^ +4999 +0 +·$/);
    expect(lines.find((line) => line.includes('  42 '))).toContain('3.0 min ago');
  });

  it('fits with ten keys and many features into 24 lines', () => {
    const features = Array.from({ length: 9 }, (_, i) => `a_rather_long_name_of_a_feature_${i}`);
    const keys = Array.from({ length: 10 }, (_, i) => ({
      key: String(i),
      values: features.map(() => 'text of some length here'),
    }));
    const lines = drawTable({ ...picture, features, keys }, { columns: 80, color: false });
    expect(lines.length).toBeLessThanOrEqual(23);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.join('\n')).toContain('and 6 more features');
  });

  it('is cut in a narrower terminal, colour or not', () => {
    const codes = new RegExp(`${String.fromCharCode(27)}\\[\\d*m`, 'g');
    const lines = drawTable(picture, { columns: 50, color: true }).map((line) => line.replace(codes, ''));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
  });
});

describe('its parts', () => {
  it('bars are never longer than the width, and something is never nothing', () => {
    expect(bar(0, 10)).toBe('');
    expect(bar(0.0001, 10)).toBe('▏');
    expect(bar(1, 10)).toBe('█'.repeat(10));
    expect(bar(3, 10)).toBe('█'.repeat(10));
  });

  it('sparklines show the newest values', () => {
    expect(sparkline([9, 0, 5, 10], 3)).toBe('▁▄█');
    expect(sparkline([0, 0], 5)).toBe('▁▁');
  });

  it('times are read as ages', () => {
    expect(readable('2026-05-01T11:59:59.500000Z', now_ms)).toBe('0.5 s ago');
    expect(readable('2020-05-01T11:59:59.500000Z', now_ms)).toBe('2020-05-01 11:59');
    expect(readable('["a","b"]', now_ms)).toBe('["a","b"]');
    expect(readable('12345', now_ms)).toBe('12,345');
  });
});
