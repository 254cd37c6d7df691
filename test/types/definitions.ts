/** What the compiler must refuse. tsc checks this file: a line that compiles although it should not is an error itself. */
import {
  count,
  debezium,
  entity,
  eq,
  featureView,
  int64,
  max,
  text,
  timestamp,
  tumbling,
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
