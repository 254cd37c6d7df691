import { expect, test } from 'vitest';
import { Screen } from '../../../demo/terminal.ts';

const screenOf = (size: { columns: number; rows: number }): Screen => new Screen({ ...size, write: () => true });

test('a terminal that does not know its size has 80 columns and 24 rows', () => {
  const { columns, rows } = screenOf({ columns: 0, rows: 0 });
  expect([columns, rows]).toEqual([80, 24]);
});

test('any other has its own size', () => {
  const { columns, rows } = screenOf({ columns: 132, rows: 50 });
  expect([columns, rows]).toEqual([132, 50]);
});
