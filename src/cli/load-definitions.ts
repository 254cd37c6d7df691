/** Loads a definitions file, TypeScript or JavaScript, and plans it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tsImport } from 'tsx/esm/api';
import { buildPlan } from '../define/plan-builder.ts';
import type { Plan } from '../define/plan.ts';
import type { FeatureView } from '../define/view.ts';
import { FatalError, InvalidError, messageOf } from '../errors.ts';

function isView(exported: unknown): exported is FeatureView {
  return (
    typeof exported === 'object' &&
    exported !== null &&
    'definition' in exported &&
    exported.definition === 'feature-view'
  );
}

/**
 * The feature views that a file exports, by the names of the exports.
 * @throws FatalError `definition-invalid` when it cannot be loaded.
 */
export async function loadViews(path: string): Promise<Readonly<Record<string, FeatureView>>> {
  const file = resolve(path);
  if (!existsSync(file)) throw new FatalError('definition-invalid', `there is no definitions file ${file}`);
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = (await tsImport(pathToFileURL(file).href, import.meta.url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new FatalError('definition-invalid', `cannot load the definitions file ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return Object.fromEntries(Object.entries(exports).flatMap(([name, value]) => (isView(value) ? [[name, value]] : [])));
}

/**
 * The plan of a file's views.
 * @param path the file, for messages.
 * @throws InvalidError `definition-invalid` when they have faults; each is named with its path.
 */
export function planViews(path: string, views: Readonly<Record<string, FeatureView>>): Plan {
  try {
    return buildPlan(views);
  } catch (error) {
    if (error instanceof InvalidError)
      throw new InvalidError('definition-invalid', `${resolve(path)} has faults:`, error.problems);
    throw error;
  }
}

/**
 * The plan of all feature views that a file exports.
 * @throws FatalError `definition-invalid` when it cannot be loaded.
 * @throws InvalidError `definition-invalid` when it has faults; each is named with its path.
 */
export async function loadDefinitions(path: string): Promise<Plan> {
  return planViews(path, await loadViews(path));
}
