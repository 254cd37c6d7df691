/**
 * Names of a task's snapshots: `state/<changelog topic>/<its id>/<partition>/<changelog offset>/`, and in there `00000`, `00001`, … and
 * `manifest`, which is put last: without it there is no snapshot. Under the id of a topic stands nothing of one that was deleted and
 * made again under the same name, or of another cluster.
 */

/** Whose snapshots. */
export interface SnapshotTask {
  /** The task's name in the state store: `topic/partition` of its changelog. */
  readonly task: string;
  /** Of the changelog topic. */
  readonly topicId: string;
  readonly generation: number;
  /** The definition and the engine's semantics: a snapshot of others is never used. */
  readonly definition: string;
}

const offsetDigits = 20;
const partDigits = 5;
const manifest = 'manifest';

export function snapshotFolder({ task, topicId }: SnapshotTask): string {
  const at = task.lastIndexOf('/');
  return `state/${task.slice(0, at)}/${topicId}${task.slice(at)}/`;
}

const folderAt = (of: SnapshotTask, offset: number): string =>
  `${snapshotFolder(of)}${String(offset).padStart(offsetDigits, '0')}/`;

export const manifestName = (of: SnapshotTask, offset: number): string => `${folderAt(of, offset)}${manifest}`;

export const partName = (of: SnapshotTask, offset: number, part: number): string =>
  `${folderAt(of, offset)}${String(part).padStart(partDigits, '0')}`;

/** What is in a task's folder, by changelog offset. */
export interface ListedSnapshot {
  readonly offset: number;
  /** With its manifest. */
  readonly isComplete: boolean;
  /** The manifest first: what is removed in this order is never complete without its parts. */
  readonly names: readonly string[];
}

/** Newest first. Names that are none of these are left out. */
export function listedSnapshots(of: SnapshotTask, names: readonly string[]): ListedSnapshot[] {
  const folder = snapshotFolder(of);
  const byOffset = new Map<number, string[]>();
  for (const name of names) {
    const found = /^(\d{20})\/(\d{5,}|manifest)$/.exec(name.slice(folder.length));
    if (found === null) continue;
    const offset = Number(found[1]);
    const own = byOffset.get(offset) ?? [];
    byOffset.set(offset, own);
    if (found[2] === manifest) own.unshift(name);
    else own.push(name);
  }
  return [...byOffset]
    .sort(([a], [b]) => b - a)
    .map(([offset, own]) => ({ offset, isComplete: own[0]!.endsWith(`/${manifest}`), names: own }));
}
