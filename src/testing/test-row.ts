import type { TypeOf } from '../define/column.ts';
import type { Columns, KindOf } from '../define/table.ts';

type Nullable<C> = C extends { readonly isNullable: false } ? never : null;
/** What people may write for a value: a number for an `int64` that is not beyond 2^53. */
type Writable<T> = T extends bigint ? bigint | number : T;

/** A row of a table: 64-bit integers as bigint or number, decimals, dates and times as text. Columns that may be null may be left out. */
export type TestRow<C extends Columns> = {
  readonly [Name in keyof C as Nullable<C[Name]> extends never ? Name : never]: Writable<TypeOf<KindOf<C[Name]>>>;
} & {
  readonly [Name in keyof C as Nullable<C[Name]> extends never ? never : Name]?: Writable<
    TypeOf<KindOf<C[Name]>>
  > | null;
};
