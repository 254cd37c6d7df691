/** Results as aligned text. */

/** A whole number with separators: `1,234,567`. */
export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

export function report(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  console.log(`\n${title}`);
  for (const line of lines) {
    const cells = line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)));
    console.log(`  ${cells.join('  ')}`);
  }
}
