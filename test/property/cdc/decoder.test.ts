import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDecoder } from '../../../src/cdc/decoder.ts';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { RecordError, SourceStoppedError } from '../../../src/errors.ts';
import {
  count,
  debezium,
  decimal,
  entity,
  featureView,
  int64,
  text,
  timestamp,
  timestamptz,
  tumbling,
} from '../../../src/index.ts';
import { envelope } from '../../support/envelope.ts';
import { golden } from '../../support/golden.ts';
import { seeded } from '../../support/prng.ts';

const table = debezium({ prefix: 'p' }).table('public.transactions', {
  columns: {
    transaction_id: int64(),
    user_id: int64(),
    amount: decimal(12, 2),
    merchant: text().nullable(),
    location: text().nullable(),
    transaction_time: timestamptz(),
    booked_at: timestamp(6).nullable(),
  },
  primaryKey: ['transaction_id'],
  replicaIdentity: 'full',
  time: { event: 'transaction_time' },
});
const view = featureView('v', {
  entity: entity('user', { key: { user_id: int64() } }),
  from: { tx: table.by({ user_id: 'user_id' }) },
  features: ({ tx }) => ({ n: count(tx).over(tumbling('5m')) }),
});
const plan = buildPlan({ view }).entities[0]!.tables[0]!;

/** Real change events of every operation, as their text. */
const records = golden('cdclab-full', 'transactions').flatMap(({ value }) =>
  value === null || value.includes('"op":"t"') ? [] : [value.toString()],
);
const record = fc.constantFrom(...records);
const seed = fc.integer();
type Random = ReturnType<typeof seeded>;

const unknown = [null, true, -1.5e-7, 'a "quoted" {text} \\ 🦊', [], {}, [{ after: { user_id: 7 } }, [['x']]], '}]'];
const spaces = ['', '', '', ' ', '\n', '\t', '\r\n  '];

/** The same value as other JSON text: members in another order and among others, white space anywhere. */
function respelled(value: unknown, random: Random): string {
  const space = (): string => spaces[random.below(spaces.length)]!;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((part) => space() + respelled(part, random) + space()).join(',')}]`;
  const strangers = Array.from({ length: random.below(3) }, (_, i): [string, unknown] => [
    `other ${i}`,
    unknown[random.below(unknown.length)],
  ]);
  const members = random.shuffled([...Object.entries(value), ...strangers]).map(([name, part]) => {
    return `${space()}${JSON.stringify(name)}${space()}:${space()}${respelled(part, random)}${space()}`;
  });
  return `{${members.join(',')}${members.length === 0 ? space() : ''}}`;
}

test('the order of members, white space and members that are not declared change nothing', () => {
  const decode = createDecoder(plan);
  fc.assert(
    fc.property(record, seed, (text, n) => {
      const other = respelled(JSON.parse(text), seeded(n));
      expect(decode(Buffer.from(other))).toEqual(createDecoder(plan)(Buffer.from(text)));
    }),
    { numRuns: 500 },
  );
});

test('an envelope says the same with its schema around it, before or behind', () => {
  const decode = createDecoder(plan);
  const schema = { type: 'struct', fields: [{ field: 'after', op: 'c' }, { field: 'payload' }], name: 'Envelope' };
  fc.assert(
    fc.property(record, seed, (text, n) => {
      const wrapped = respelled({ schema, payload: JSON.parse(text) as unknown }, seeded(n));
      expect(decode(Buffer.from(wrapped))).toEqual(createDecoder(plan)(Buffer.from(text)));
    }),
  );
});

test('what a decoder has seen before does not change what it reads', () => {
  const decode = createDecoder(plan);
  const alone = new Map(records.map((text) => [text, createDecoder(plan)(Buffer.from(text))]));
  fc.assert(
    fc.property(record, (text) => {
      expect(decode(Buffer.from(text))).toEqual(alone.get(text));
    }),
  );
});

test('a record inside a larger buffer is read at its place', () => {
  fc.assert(
    fc.property(record, fc.string(), fc.string(), (text, before, after) => {
      const whole = Buffer.from(before + text + after);
      const at = Buffer.byteLength(before);
      const part = new Uint8Array(whole.buffer, whole.byteOffset + at, Buffer.byteLength(text));
      expect(createDecoder(plan)(part)).toEqual(createDecoder(plan)(Buffer.from(text)));
    }),
  );
});

test('integers of 64 bits survive whole', () => {
  const decode = createDecoder(plan);
  const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const id = fc.oneof(any, fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 0n));
  fc.assert(
    fc.property(id, id, (transaction_id, user_id) => {
      const after = {
        transaction_id,
        user_id,
        amount: 'ZA==',
        merchant: null,
        location: null,
        transaction_time: '2026-01-02T03:04:05.000006Z',
        booked_at: null,
      };
      expect(decode(envelope({ after }))).toMatchObject({ after: expect.arrayContaining([transaction_id, user_id]) });
    }),
  );
});

test('integers of more than 64 bits are refused', () => {
  const text = records[0]!;
  for (const digits of ['9223372036854775808', '-9223372036854775809', '1'.repeat(50)]) {
    const other = text.replace(/"user_id":\d+/, `"user_id":${digits}`);
    expect(() => createDecoder(plan)(Buffer.from(other))).toThrow(/field after\.user_id .*more than 64 bits/);
  }
});

/** Bytes that a flipped bit, a lost part or a wrong encoding leaves. */
function damaged(bytes: Buffer, random: Random): Buffer {
  let result = Buffer.from(bytes);
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    const at = random.below(result.length + 1);
    const length = random.below(8);
    const inserted = Buffer.from(
      random.below(2) === 0
        ? [random.below(256)]
        : ['{', '}', '[', ']', '"', '\\', ',', ':', '-', 'null'][random.below(10)]!,
    );
    const kind = random.below(4);
    if (kind === 0) result = Buffer.concat([result.subarray(0, at), inserted, result.subarray(at)]);
    else if (kind === 1) result = Buffer.concat([result.subarray(0, at), result.subarray(at + length)]);
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at), inserted, result.subarray(at + 1)]);
    else result = Buffer.from(result.subarray(0, at));
    if (result.length === 0) break;
  }
  return result;
}

test('damaged bytes are a row or an error that names its recovery, and the next record is read as ever', () => {
  const decode = createDecoder(plan);
  fc.assert(
    fc.property(fc.constantFrom(...records), seed, (text, n) => {
      const bytes = damaged(Buffer.from(text), seeded(n));
      try {
        expect(decode(bytes).kind).toBe('row');
      } catch (error) {
        if (!(error instanceof RecordError || error instanceof SourceStoppedError)) throw error;
      }
      expect(decode(Buffer.from(text))).toEqual(createDecoder(plan)(Buffer.from(text)));
    }),
    { numRuns: 3000 },
  );
});

test('every record that ends too early is refused', () => {
  const decode = createDecoder(plan);
  for (const text of [records[0]!, records.at(-1)!]) {
    const bytes = Buffer.from(text);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decode(bytes.subarray(0, length))).toThrow(RecordError);
  }
});
