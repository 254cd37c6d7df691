import { json, type HttpRoute } from './http-server.ts';
import type { Metrics } from './metrics.ts';

/** What the probes ask. */
export interface Health {
  /** Not live: restart the process. */
  live(): boolean;
  /** Not ready: `detail` says what is waited for. */
  ready(): { readonly ready: boolean; readonly detail: object };
}

/** `/metrics`, `/livez`, `/readyz`. */
export function workerRoutes(metrics: Metrics, health: Health): HttpRoute[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      handle: async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.render() }),
    },
    {
      method: 'GET',
      path: '/livez',
      handle: () => (health.live() ? json(200, { live: true }) : json(503, { live: false })),
    },
    {
      method: 'GET',
      path: '/readyz',
      handle: () => {
        const { ready, detail } = health.ready();
        return json(ready ? 200 : 503, { ready, ...detail });
      },
    },
  ];
}
