/** Reads of online values over HTTP: what HGETALL gives, with its time beside it. */
import { renderKey } from '../define/key.ts';
import type { EntityPlan, Plan, ViewPlan } from '../define/plan.ts';
import { formatTimestamp } from '../define/value.ts';
import { json, RequestError, type HttpAnswer, type HttpRoute } from '../observability/http-server.ts';
import { bookkeepingField, parseBookkeeping, type OnlineStore } from '../online/online-store.ts';

/**
 * `GET /features/<view>/<key part>/…`: the stored texts of a key, null where a field is absent.
 * @example curl http://127.0.0.1:8080/features/user_features/42
 */
export function featureRoute(plan: Plan, online: OnlineStore): HttpRoute {
  const views = new Map(plan.entities.flatMap((entity) => entity.views.map((view) => [view.name, { entity, view }])));
  return {
    method: 'GET',
    path: '/features/',
    async handle({ path }) {
      const [name = '', ...parts] = path.slice('/features/'.length).split('/');
      const found = views.get(name);
      if (found === undefined) return json(404, { error: `no feature view "${name}"`, views: [...views.keys()] });
      const { entity, view } = found;
      if (parts.length !== entity.key.length || parts.includes('')) {
        const form = entity.key.map((field) => `{${field.name}}`).join('/');
        return json(400, { error: `the path must be /features/${name}/${form}` });
      }
      return read(entity, view, parts.map(decodePart), online);
    },
  };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RequestError(400, `"${part}" is not percent-encoded text`);
  }
}

async function read(
  entity: EntityPlan,
  view: ViewPlan,
  parts: readonly string[],
  online: OnlineStore,
): Promise<HttpAnswer> {
  const key = parts.map((part) => encodeURIComponent(part)).join(':');
  const stored = renderKey(view.online, key);
  const [hash] = await online.read([stored]);
  const own = hash?.get(bookkeepingField(view.name));
  const identity = Object.fromEntries(entity.key.map((field, i) => [field.name, parts[i]!]));
  if (hash === null || hash === undefined || own === undefined) {
    return json(404, { error: `${stored} was never seen: no row with this key has arrived`, entity: identity });
  }
  const { asOf_us, visibleAt_us, position } = parseBookkeeping(own);
  const features = Object.fromEntries(view.features.map((feature) => [feature.name, hash.get(feature.name) ?? null]));
  const time = (us: number): string => formatTimestamp(BigInt(us));
  return json(200, {
    entity: identity,
    view: view.name,
    features,
    as_of: time(asOf_us),
    visible_at: time(visibleAt_us),
    position,
  });
}
