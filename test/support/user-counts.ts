/** The smallest plan that workers can run: how many rows each user has. For tests of what is around the engine. */
import { buildPlan } from '../../src/define/plan-builder.ts';
import { count, featureView, tumbling } from '../../src/index.ts';
import { transactions, user } from './shop.ts';

export const topic = 'dbserver.public.transactions';
/** No window ends within a test. */
export const plan = buildPlan({
  view: featureView('user_features', {
    entity: user,
    from: { tx: transactions.by({ user_id: 'user_id' }) },
    features: ({ tx }) => ({ n: count(tx).over(tumbling('7d')) }),
  }),
});
