/**
 * The dashboards, as Grafana imports them, are written from here into `dashboards/`; after a change:
 * `npx vitest run --project ops -u`.
 */
import { overview } from './overview.ts';
import { build, type Dashboard } from './panels.ts';
import { sinks } from './sinks.ts';
import { tasks } from './tasks.ts';

export const dashboards: readonly Dashboard[] = [overview, tasks, sinks];

export const render = (dashboard: Dashboard): string => `${JSON.stringify(build(dashboard), null, 2)}\n`;
