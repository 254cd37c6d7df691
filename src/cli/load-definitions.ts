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
 * The plan of all feature views that a file exports.
 * @throws FatalError `definition-invalid` when it cannot be loaded.
 * @throws InvalidError `definition-invalid` when it has faults; each is named with its path.
 */
export async function loadDefinitions(path: string): Promise<Plan> {
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
  try {
    return buildPlan(
      Object.fromEntries(Object.entries(exports).flatMap(([name, value]) => (isView(value) ? [[name, value]] : []))),
    );
  } catch (error) {
    if (error instanceof InvalidError)
      throw new InvalidError('definition-invalid', `${file} has faults:`, error.problems);
    throw error;
  }
}
