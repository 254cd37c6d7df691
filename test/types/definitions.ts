/** What the compiler must refuse. tsc checks this file: a line that compiles although it should not is an error itself. */
import {
  add,
  caseWhen,
  coalesce,
  concat,
  count,
  custom,
  debezium,
  decimal,
  div,
  entity,
  eq,
  featureView,
  float64,
  gt,
  histogram,
  hopping,
  inList,
  int32,
  int64,
  last,
  lastDistinct,
  length,
  literal,
  lower,
  max,
  mean,
  mul,
  session,
  sliding,
  sum,
  text,
  timeSinceLast,
  timestamp,
  topK,
  truncateTo,
  tumbling,
  unbounded,
  upper,
  type Features,
} from 'millrace';

const user = entity('user', { key: { user_id: int64() } });
const shop = debezium({ prefix: 'dbserver' });
const columns = { id: int64(), user_id: int64(), name: text().nullable(), at: timestamp(3) };
const timed = shop.table('public.timed', { columns, primaryKey: ['id'], time: { event: 'at' } });
const untimed = shop.table('public.untimed', { columns, primaryKey: ['id'] });

// @ts-expect-error a primary key that is no column
shop.table('public.t', { columns, primaryKey: ['nope'] });
// @ts-expect-error an event time that is no timestamp
shop.table('public.t', { columns, primaryKey: ['id'], time: { event: 'name' } });
// @ts-expect-error a duration without a unit
shop.table('public.t', { columns, primaryKey: ['id'], time: { event: 'at', outOfOrderness: '5' } });
// @ts-expect-error a duration with an unknown unit
tumbling('5 minutes');
// @ts-expect-error a key column that is no column
timed.by({ user_id: 'nope' });
// @ts-expect-error a key column of a type that cannot be a key
timed.by({ user_id: 'at' });

export const view = featureView('view', {
  entity: user,
  from: { t: timed.by({ user_id: 'user_id' }), u: untimed.by({ user_id: 'user_id' }) },
  features: ({ t, u }) => {
    // @ts-expect-error an unknown column
    t.nope;
    // @ts-expect-error a window over a table without event time
    count(u).over(tumbling('5m'));
    // @ts-expect-error the same, over a column
    max(u.id).over(tumbling('5m'));
    // @ts-expect-error a filter that is no condition
    count(t, { where: t.name });
    // @ts-expect-error a comparison of different types
    eq(t.name, 5);
    // @ts-expect-error a comparison of columns of different types
    eq(t.name, t.id);
    return {
      total: count(t, { where: eq(t.name, 'x') }).over(tumbling('5m')),
      newest: max(t.at).over(tumbling('5m')),
      greatest: max(t.id).over(tumbling('1h')).default(0n),
    };
  },
});

const misnamed = { t: timed.by({ other: 'user_id' }) };
// @ts-expect-error a key field without a column
featureView('view', { entity: user, from: misnamed, features: () => ({}) });

type Values = Features<typeof view>;
export const values: Values = { total: 1n, newest: null, greatest: 3n };
// @ts-expect-error a count is never null
export const nullCount: Values['total'] = null;
// @ts-expect-error a default takes null away
export const nullGreatest: Values['greatest'] = null;

const amounts = {
  ...columns,
  price: decimal(12, 2),
  rate: decimal(9, 4),
  small: int32(),
  real: float64(),
};
const orders = shop.table('public.orders', {
  columns: amounts,
  primaryKey: ['id'],
  time: { event: 'at' },
  derived: (c) => {
    // @ts-expect-error an unknown column
    c.nope;
    return { total: mul(c.price, c.small), shout: upper(c.name) };
  },
});
const notes = shop.table('public.notes', {
  columns: amounts,
  primaryKey: ['id'],
  appendOnly: true,
  derived: (c) => ({ total: mul(c.price, c.small) }),
});

// @ts-expect-error a size without a unit
sliding('1');
// @ts-expect-error a hop without a unit
hopping('1h', '5');
// @ts-expect-error an unknown option
sliding('1h', { hop: '1m' });

export const richView = featureView('rich', {
  entity: user,
  from: { o: orders.by({ user_id: 'user_id' }), n: notes.by({ user_id: 'user_id' }) },
  features: ({ o, n }) => {
    // @ts-expect-error the sum of text
    sum(o.name);
    // @ts-expect-error the mean of times
    mean(o.at);
    // @ts-expect-error a window over an expression of a table without event time
    sum(mul(n.price, n.rate)).over(sliding('1h'));
    // @ts-expect-error the same of a derived column
    sum(n.total).over(sliding('1h'));
    // @ts-expect-error an order without event time
    last(n.name);
    // @ts-expect-error the same
    timeSinceLast(n);
    // @ts-expect-error a list without its limit
    lastDistinct(o.name);
    // @ts-expect-error bounds of another type
    histogram(o.price, [1, 2]);
    // @ts-expect-error arithmetic of text
    add(o.name, 1);
    // @ts-expect-error a literal of another type
    add(o.price, 5);
    // @ts-expect-error text functions of numbers
    lower(o.small);
    // @ts-expect-error a number in a concat
    concat(o.name, 5);
    // @ts-expect-error time functions of numbers
    truncateTo(o.id, 'day');
    // @ts-expect-error an unknown unit
    truncateTo(o.at, 'decade');
    // @ts-expect-error alternatives of two types
    coalesce(o.name, o.small);
    // @ts-expect-error a list of another type
    inList(o.small, ['a']);
    // @ts-expect-error a literal of another type than it says
    literal(int64(), 'a');
    // @ts-expect-error a plain function that gives another type
    custom(int64(), 'wrong', [o.name], (name) => name);
    // @ts-expect-error a default of another type
    sum(o.price).over(sliding('1h')).default(0);
    // @ts-expect-error a default that is no list
    topK(o.name, { k: 3 }).over(sliding('1h')).default('a');
    return {
      spend: sum(o.price).over(sliding('1h')).default('0.00'),
      total: sum(o.total).over(session('30m')),
      orders: count(o, { where: gt(o.total, '10.00') }).over(hopping('15m', '5m')),
      names: lastDistinct(o.shout, { limit: 3 }).over(sliding('7d')),
      notes: count(n.name).over(unbounded()),
      average: mean(o.small).over(unbounded()),
      initial: topK(
        custom(text(), 'initial', [o.name, o.id], (name, id) => (id === 0n ? null : (name?.at(0) ?? null))),
        { k: 2 },
      ).over(tumbling('1d')),
      long: count(o, { where: gt(length(o.name), 5) }).over(tumbling('1d')),
    };
  },
  derive: (f) => {
    // @ts-expect-error an unknown feature
    f.nope;
    // @ts-expect-error lists cannot be computed with
    upper(f.names);
    // @ts-expect-error an aggregate of features
    sum(f.spend).over(sliding('1h'));
    return {
      ticket: div(f.spend, f.orders),
      always: coalesce(div(f.spend, f.orders), 0),
      size: caseWhen([[gt(f.spend, '100.00'), 'large']], 'small'),
    };
  },
  emit: { every: '1m' },
});

type Rich = Features<typeof richView>;
export const rich: Rich = {
  spend: '1.00',
  total: null,
  orders: 3n,
  names: ['A'],
  notes: 0n,
  average: 1.5,
  initial: [],
  long: 0n,
  ticket: null,
  always: 0,
  size: 'large',
};
// @ts-expect-error a list is never null
export const nullNames: Rich['names'] = null;
// @ts-expect-error a sum with a default is never null
export const nullSpend: Rich['spend'] = null;
// @ts-expect-error coalesce with a literal is never null
export const nullAlways: Rich['always'] = null;
// @ts-expect-error the sum of decimals is text
export const numberSpend: Rich['spend'] = 1;

// @ts-expect-error an unknown way to give values out
featureView('v', { entity: user, from: { t: timed.by({ user_id: 'user_id' }) }, features: () => ({}), emit: 'never' });
