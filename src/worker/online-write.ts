import { renderKey } from '../define/key.ts';
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { formatValue } from '../define/value.ts';
import type { Emission } from '../entity/entity-task.ts';
import type { OnlineView, OnlineWrite } from '../online/online-store.ts';

const views = new WeakMap<ViewPlan, OnlineView>();

/** A value as the online store gets it, fenced by its own position. */
export function onlineWriteOf(entity: EntityPlan, { view, key, position, asOf_us, values }: Emission): OnlineWrite {
  return {
    key: renderKey(view.online, key),
    view: onlineViewOf(view),
    generation: entity.generation,
    position,
    asOf_us,
    values: view.features.map((feature, i) => formatValue(feature.type, values[i]!)),
  };
}

function onlineViewOf(view: ViewPlan): OnlineView {
  const known = views.get(view) ?? { name: view.name, fields: view.features.map(({ name }) => name) };
  views.set(view, known);
  return known;
}
