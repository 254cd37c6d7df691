/** What one value leaves behind, without an aggregate that holds it: a pane with a single row is never made. */
import type { Scalar, Value } from '../../define/column.ts';
import type { AggregateState } from '../../define/plan.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate, RowOrder } from './aggregate.ts';
import { Count } from './count.ts';
import { createAggregate } from './create-aggregate.ts';
import { IntegerSum } from './integer-sum.ts';
import { readBigint, readScalar, writeBigint, writeScalar } from './scalar-codec.ts';
import { withoutNegativeZero } from './scalars.ts';
import { Values } from './values.ts';

/** Whether a window takes the value of a row as its panes do. What a HyperLogLog tells its windows is not values. */
export const isTakenAsValue = ({ kind }: AggregateState): boolean => kind !== 'hyperloglog';

/** Whether it matters where a row stands among the others. */
export const isOrdered = ({ kind }: AggregateState): boolean =>
  kind === 'ordered' || kind === 'recent' || kind === 'times';

/** The bytes of a pane's aggregate that holds the value alone; nothing if it is null. */
export function writeSingle(out: ByteWriter, state: AggregateState, value: Value, at: RowOrder): void {
  switch (state.kind) {
    case 'count':
      out.varint(value === null ? 0 : 1);
      return;
    case 'values':
    case 'frequencies':
      // One distinct value, without a count.
      out.varint(value === null ? 0 : 2);
      if (value !== null) writeScalar(out, withoutNegativeZero(value as Scalar), state.type);
      return;
    case 'sum':
      if (state.type.kind === 'float64') break;
      out.varint(value === null ? 0 : 1);
      if (value !== null) writeBigint(out, typeof value === 'bigint' ? value : BigInt(value as number));
      return;
    default:
      break;
  }
  const pane = createAggregate(state, 'pane');
  pane.insert(value, at, null);
  pane.write(out);
}

/**
 * The value of a pane's aggregate that holds one at most, of the kinds whose bytes say it. A row of which only the count is kept counts as
 * `true`.
 * @returns undefined when it is of another kind or holds more: then the reader stands anywhere behind.
 */
export function readSingle(from: ByteReader, state: AggregateState): Value | undefined {
  switch (state.kind) {
    case 'count': {
      const count = from.varint();
      return count === 0 ? null : count === 1 ? true : undefined;
    }
    case 'values':
    case 'frequencies': {
      const head = from.varint();
      return head === 0 ? null : head === 2 ? readScalar(from, state.type) : undefined;
    }
    case 'sum': {
      if (state.type.kind === 'float64') return undefined;
      const count = from.varint();
      return count === 0 ? null : count === 1 ? readBigint(from) : undefined;
    }
    default:
      return undefined;
  }
}

/** Takes from a window's aggregate, or from none, what a pane's aggregate of the same plan wrote. */
export function subtractWritten(window: Aggregate | null, from: ByteReader, state: AggregateState): void {
  // The most frequent kinds need no pane for it.
  if (window instanceof Count || window instanceof IntegerSum || window instanceof Values) {
    window.subtractWritten(from);
    return;
  }
  const pane = createAggregate(state, 'pane');
  pane.read(from);
  window?.subtract(pane);
}
