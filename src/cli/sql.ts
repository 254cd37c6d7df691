/** `millrace sql`: prints the definitions' SQL. */
import { viewSql } from '../define/sql/view-sql.ts';
import { loadViews, planViews } from './load-definitions.ts';

/**
 * One query for each feature view that a file exports, in the order of their names.
 * @throws FatalError `definition-invalid` when it cannot be loaded.
 * @throws InvalidError `definition-invalid` when it has faults; each is named with its path.
 */
export async function sqlOf(path: string): Promise<string> {
  const views = await loadViews(path);
  planViews(path, views);
  const inOrder = Object.values(views).sort((a, b) => (a.name < b.name ? -1 : 1));
  return inOrder.map((view) => `${viewSql(view).trimEnd()};\n`).join('\n');
}
