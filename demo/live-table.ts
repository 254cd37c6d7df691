/** The live table, as lines of text: 80 columns, 23 lines. What is drawn is a plain value; nothing here knows the stream. */
import type { Percentiles } from './freshness.ts';
import type { ShopCounts } from './generator.ts';
import { bar, paint, sparkline, spread, type Line } from './terminal.ts';

export interface Picture {
  /** The definitions file. */
  readonly definitions: string;
  readonly view: string;
  readonly elapsed_ms: number;
  readonly now_ms: number;
  /** One number a second, oldest first. */
  readonly rowsPerSecond: readonly number[];
  readonly freshness_ms: readonly number[];
  readonly freshness: Percentiles | null;
  readonly counts: ShopCounts;
  readonly keyName: string;
  readonly features: readonly string[];
  readonly keys: readonly KeyRow[];
  /** What to type to see a key's values. */
  readonly curl: string;
  readonly hint: string;
}

export interface KeyRow {
  readonly key: string;
  /** As stored; null for an absent field. */
  readonly values: readonly (string | null)[];
}

export interface Canvas {
  readonly columns: number;
  readonly color: boolean;
}

const keyWidth = 11;
const minColumn = 20;

export function drawTable(picture: Picture, canvas: Canvas): string[] {
  const width = Math.min(canvas.columns, 100) - 2;
  const rule: Line = [['─'.repeat(width), 'dim']];
  const lines: Line[] = [
    spread(
      [
        ['millrace demo', 'bold'],
        [`   ${picture.definitions} → ${picture.view}`, 'dim'],
      ],
      [[clock(picture.elapsed_ms)]],
      width,
    ),
    rule,
    ...figures(picture, width),
    rule,
    ...table(picture, width),
    rule,
    spread([[picture.curl]], [[picture.hint, 'dim']], width),
  ];
  return lines.map((line) => paint([[' '], ...line], width + 1, canvas.color));
}

function figures(picture: Picture, width: number): Line[] {
  const { rowsPerSecond, freshness, freshness_ms, counts } = picture;
  const line = width - 36;
  const figure = (label: string, value: string, rest: Line): Line => [
    [label.padEnd(16), 'dim'],
    [value.padStart(12), 'bold'],
    ['   '],
    ...rest,
  ];
  const rate = rowsPerSecond.at(-1) ?? 0;
  return [
    figure('rows/s', grouped(rate), [[sparkline(rowsPerSecond, line), 'accent']]),
    figure('freshness p50', freshness === null ? '–' : milliseconds(freshness.p50_ms), [
      [sparkline(freshness_ms, line), 'accent'],
    ]),
    figure('          p99', freshness === null ? '–' : milliseconds(freshness.p99_ms), [
      ['database commit → value visible', 'dim'],
    ]),
    [
      ['changes'.padEnd(16), 'dim'],
      [grouped(counts.inserts).padStart(12), 'bold'],
      [' inserted   ', 'dim'],
      [grouped(counts.updates), 'bold'],
      [' updated   ', 'dim'],
      [grouped(counts.deletes), 'bold'],
      [' deleted', 'dim'],
    ],
    figure('replays', grouped(counts.replays), [['sent twice by the connector, dropped', 'dim']]),
  ];
}

function table(picture: Picture, width: number): Line[] {
  const room = width - keyWidth;
  const shown = Math.max(1, Math.min(picture.features.length, Math.floor(room / minColumn)));
  const column = Math.floor(room / shown);
  const names = picture.features.slice(0, shown);
  const hidden = picture.features.length - shown;
  // The first number is drawn; the others are read.
  const drawn = names.findIndex((_, i) => picture.keys.some(({ values }) => isInteger(values[i] ?? null)));
  const top = Math.max(1, ...picture.keys.map(({ values }) => Number(values[drawn] ?? 0)));
  const header: Line = [
    [picture.keyName.padStart(keyWidth - 2).padEnd(keyWidth), 'dim'],
    ...names.map((name) => [fit(name, column), 'dim'] as const),
  ];
  const rows = picture.keys.map(({ key, values }): Line => [
    [key.padStart(keyWidth - 2).padEnd(keyWidth), 'bold'],
    ...names.flatMap((_, i): Line => {
      const value = values[i] ?? null;
      if (i !== drawn || !isInteger(value)) return [[fit(readable(value, picture.now_ms), column)]];
      const length = column - 9;
      return [
        [`${grouped(Number(value)).padStart(6)} `],
        [bar(Number(value) / top, length).padEnd(length + 2), 'accent'],
      ];
    }),
  ]);
  return hidden > 0
    ? [header, ...rows, [[`${' '.repeat(keyWidth)}and ${hidden} more features`, 'dim']]]
    : [header, ...rows];
}

const isInteger = (value: string | null): boolean => value !== null && /^-?\d{1,15}$/.test(value);

/** Times as ages, the rest as it is. */
export function readable(value: string | null, now_ms: number): string {
  if (value === null) return '·';
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return isInteger(value) ? grouped(Number(value)) : value;
  const age_s = Math.max(0, (now_ms - Date.parse(value)) / 1000);
  if (age_s < 100) return `${age_s.toFixed(1)} s ago`;
  return age_s < 6000 ? `${(age_s / 60).toFixed(1)} min ago` : value.slice(0, 16).replace('T', ' ');
}

/** Cut or filled to the width, with a space behind. */
function fit(text: string, width: number): string {
  return text.length < width ? text.padEnd(width) : `${text.slice(0, width - 2)}… `;
}

const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : grouped(value)} ms`;

function clock(elapsed_ms: number): string {
  const seconds = Math.floor(elapsed_ms / 1000);
  const pad = (n: number): string => String(n).padStart(2, '0');
  return `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
}
