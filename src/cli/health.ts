import type { Health } from '../observability/worker-routes.ts';
import type { ProgressMonitor } from '../worker/progress-monitor.ts';
import type { Worker } from '../worker/worker.ts';

/**
 * Live: it makes progress, or knows what it waits for. A worker that restores, or waits for a store, is live: a restart would only take
 * longer. Ready: started and restored.
 */
export function healthOf(worker: Worker, monitor: ProgressMonitor): Health {
  return {
    live: () => worker.state !== 'failed' && monitor.stuck.length === 0,
    ready: () => {
      const { ready, restoring, progress } = worker.readiness;
      return { ready, detail: { state: worker.state, restoring, progress } };
    },
  };
}
