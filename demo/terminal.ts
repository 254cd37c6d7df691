/** The little that the demo needs of a terminal: styled lines of a fixed width, on a screen of their own. */
export type Style = 'plain' | 'dim' | 'bold' | 'accent';
export type Span = readonly [text: string, style?: Style];
export type Line = readonly Span[];

const codes: Readonly<Record<Style, string>> = { plain: '', dim: '\x1b[2m', bold: '\x1b[1m', accent: '\x1b[36m' };
const reset = '\x1b[0m';

/** The line cut to the width; without colour it is plain text. */
export function paint(line: Line, width: number, color: boolean): string {
  let left = width;
  let painted = '';
  for (const [text, style = 'plain'] of line) {
    const shown = text.slice(0, left);
    left -= shown.length;
    painted += color && codes[style] !== '' && shown !== '' ? codes[style] + shown + reset : shown;
  }
  return painted.trimEnd();
}

export const lengthOf = (line: Line): number => line.reduce((sum, [text]) => sum + text.length, 0);

/** Left and right part at the two ends of the width. */
export function spread(left: Line, right: Line, width: number): Line {
  return [...left, [' '.repeat(Math.max(1, width - lengthOf(left) - lengthOf(right)))], ...right];
}

const eighths = ' ▏▎▍▌▋▊▉';

/** A bar of up to `width` cells; anything above nothing shows. */
export function bar(share: number, width: number): string {
  if (share <= 0) return '';
  const parts = Math.max(1, Math.round(Math.min(share, 1) * width * 8));
  return '█'.repeat(Math.floor(parts / 8)) + (parts % 8 === 0 ? '' : eighths[parts % 8]!);
}

const levels = '▁▂▃▄▅▆▇█';

/** The newest values as a line of small columns, from 0 to the largest. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const top = Math.max(...shown, 0);
  return shown.map((value) => levels[top === 0 ? 0 : Math.min(7, Math.floor((value / top) * 7.99))]!).join('');
}

export type Terminal = Pick<NodeJS.WriteStream, 'columns' | 'rows' | 'write'>;

/** Of a terminal that says 0, as those without a window do. */
const unknownSize = { columns: 80, rows: 24 };

/** The alternate screen: what stood in the terminal before is there again afterwards, whatever happens. */
export class Screen {
  private readonly out: Terminal;
  private readonly restore = (): void => {
    this.out.write('\x1b[?25h\x1b[?1049l');
  };

  constructor(out: Terminal) {
    this.out = out;
  }

  open(): void {
    process.once('exit', this.restore);
    this.out.write('\x1b[?1049h\x1b[?25l');
  }

  get columns(): number {
    return this.out.columns || unknownSize.columns;
  }

  get rows(): number {
    return this.out.rows || unknownSize.rows;
  }

  /** Overwrites in place, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows);
    this.out.write(`\x1b[H${shown.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`);
  }

  close(): void {
    process.removeListener('exit', this.restore);
    this.restore();
  }
}
