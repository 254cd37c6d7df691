import { describe, expect, it } from 'vitest';
import { envelope, envelopeHead, type Change } from '../../../demo/envelope.ts';

/** From a real connector: golden vector `cdclab-full`, transactions, partition 2, offset 3, but for what the shop's table has not. */
const real =
  '{"before":{"transaction_id":2001},"after":{"transaction_id":2001},"source":{"version":"3.6.1.Final",' +
  '"connector":"postgresql","name":"dbserver","ts_ms":1795400711836,"snapshot":"false","db":"shop",' +
  '"sequence":"[\\"33595288\\",\\"33595344\\"]","ts_us":1795400711836661,"ts_ns":1795400711836661000,"schema":"public",' +
  '"table":"transactions","txId":830,"lsn":33595344,"xmin":null,"origin":null,"origin_lsn":null},"transaction":null,' +
  '"op":"u","ts_ms":1795400711840,"ts_us":1795400711840123,"ts_ns":1795400711840123000}';

const change: Change = {
  table: 'transactions',
  op: 'u',
  before: { transaction_id: 2001 },
  after: { transaction_id: 2001 },
  txId: 830,
  lsn: 33_595_344,
  previousCommit: 33_595_288,
  commit_us: 1_795_400_711_836_661,
};

const text = (value: Uint8Array): string => Buffer.from(value).toString();

describe('an envelope', () => {
  it('is what the connector writes', () => {
    expect(text(envelope(envelopeHead(change), 1_795_400_711_840_123))).toBe(real);
  });

  it('has a null in the sequence of the first transaction', () => {
    expect(envelopeHead({ ...change, previousCommit: null })).toContain('"sequence":"[null,\\"33595344\\"]"');
  });
});
