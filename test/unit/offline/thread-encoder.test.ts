/** Files that are made in another thread are those that would be made here. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeFeatureFrame } from '../../../src/frames/feature-frame.ts';
import { createInlineEncoder, type EncodeRequest, type ParquetEncoder } from '../../../src/offline/parquet-encoder.ts';
import { createThreadEncoder } from '../../../src/offline/thread/thread-encoder.ts';
import { userPlan } from '../../support/shop.ts';

const view = userPlan.views[0]!;
const recordOf = (offset: number): Buffer =>
  encodeFeatureFrame(
    view,
    userPlan.generation,
    [0, 1].map((i) => ({
      key: String(offset),
      position: 10 * offset + i,
      asOf_us: 1_800_000_000_000_000 + offset,
      created_us: 1_800_000_000_000_500,
      values: [BigInt(offset), null, 9_007_199_254_740_993n],
    })),
  );
const fileOf = (first: number, last: number): EncodeRequest => ({
  entity: userPlan,
  view,
  partition: 3,
  first,
  last,
  records: Array.from({ length: last - first + 1 }, (_, i) => recordOf(first + i)),
});

let encoder: ParquetEncoder;
beforeEach(() => {
  encoder = createThreadEncoder();
});
afterEach(() => encoder.close());

test('files are the same bytes, whichever is asked for first', async () => {
  const files = [fileOf(0, 3), fileOf(4, 4), fileOf(5, 300)];
  const here = await Promise.all(files.map((file) => createInlineEncoder().encode(file)));
  const there = await Promise.all(files.map((file) => encoder.encode(file)));
  expect(there.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(
    here.map((bytes) => Buffer.from(bytes).toString('hex')),
  );
});

test('records stay as they are with whoever asks: a put may fail, and the file is made again', async () => {
  const file = fileOf(0, 3);
  const [one, two] = [await encoder.encode(file), await encoder.encode(file)];
  expect(Buffer.from(two)).toEqual(Buffer.from(one));
});

test('a record that cannot be read says why, and the next file is made', async () => {
  const broken = { ...fileOf(0, 0), records: [Buffer.from([9, 9, 9])] };
  await expect(encoder.encode(broken)).rejects.toMatchObject({ code: 'frame-unreadable' });
  await expect(createInlineEncoder().encode(broken)).rejects.toMatchObject({ code: 'frame-unreadable' });
  expect((await encoder.encode(fileOf(1, 1))).length).toBeGreaterThan(0);
});

test('what is under way when it closes is given up, and nothing is made after', async () => {
  const refused = expect(encoder.encode(fileOf(0, 300))).rejects.toMatchObject({ code: 'encoder-lost' });
  await encoder.close();
  await refused;
  await expect(encoder.encode(fileOf(1, 1))).rejects.toThrow('it was closed; restart this worker');
});

test('a process that asks for nothing more ends by itself', async () => {
  const encoderModule = new URL('../../../src/offline/thread/thread-encoder.ts', import.meta.url).href;
  const script = `import('${encoderModule}').then(({ createThreadEncoder }) => createThreadEncoder())`;
  const options = { cwd: process.cwd(), timeout: 20_000 };
  // Killed after its time, it rejects.
  await promisify(execFile)(process.execPath, ['--import', 'tsx', '--eval', script], options);
});
