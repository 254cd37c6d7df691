/**
 * Puts a snapshot of a task's state into the object store, off the path of rows: in small steps, at a bounded rate, with one part in
 * memory. Harmless from a worker that has lost the task: its local store holds nothing but what was committed up to the offset that
 * the snapshot is named after, and so does the snapshot.
 */
import { MillraceError } from '../../errors.ts';
import type { ObjectStore } from '../../offline/object-store.ts';
import { sleep, type Clock } from '../../time/clock.ts';
import type { StateSnapshot } from '../state-store.ts';
import { encodeManifest, PartWriter, sha256, type SnapshotManifest, type SnapshotPart } from './snapshot-format.ts';
import { listedSnapshots, manifestName, partName, snapshotFolder, type SnapshotTask } from './snapshot-names.ts';

/** Complete ones that are kept: the older is for when the newest turns out to be unreadable. */
const kept = 2;

export interface SnapshotWriterOptions {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  /** A part ends at so many bytes. */
  readonly part_bytes: number;
  /** Bytes per second at most. */
  readonly rate_bytes: number;
}

/**
 * @param goesOn asked between batches; once it says no, the snapshot is given up.
 * @returns null when it was given up.
 * @throws RetriableError `store-unavailable`; what was put meanwhile is no snapshot without its manifest.
 * @throws MillraceError `snapshot-unusable` when another build has left other bytes under a name.
 */
export async function writeSnapshot(
  options: SnapshotWriterOptions,
  of: SnapshotTask,
  { checkpoint, entries }: StateSnapshot,
  goesOn: () => boolean,
): Promise<SnapshotManifest | null> {
  const { changelogOffset, written_ms } = checkpoint;
  const parts: SnapshotPart[] = [];
  const writer = new PartWriter(options.part_bytes);
  const put = async (): Promise<void> => {
    const { body, part } = writer.take();
    await putSame(options.objects, partName(of, changelogOffset, parts.length), body);
    parts.push(part);
  };
  for await (const batch of entries) {
    if (!goesOn()) return null;
    let bytes = 0;
    for (const entry of batch) {
      writer.add(entry);
      bytes += entry.key.length + entry.value!.length;
      if (writer.isFull) await put();
    }
    await sleep(options.clock, (bytes / options.rate_bytes) * 1000);
  }
  if (!writer.isEmpty) await put();
  if (!goesOn()) return null;
  const manifest = {
    ...of,
    changelogOffset,
    written_ms,
    entries: parts.reduce((sum, part) => sum + part.entries, 0),
    parts,
  };
  await options.objects.create(manifestName(of, changelogOffset), encodeManifest(manifest));
  return manifest;
}

/** The same entries give the same bytes: what is there is an earlier try, or another owner's, and as good. */
async function putSame(objects: ObjectStore, name: string, body: Uint8Array): Promise<void> {
  if ((await objects.create(name, body)) === 'created') return;
  const found = await objects.read(name);
  if (found === null || !sha256(found).equals(sha256(body)))
    throw new MillraceError('snapshot-unusable', `${name} is there with other bytes: another build put it`);
}

/**
 * Removes what is older than the newest two complete snapshots, and what was left without a manifest below the newest. Never what is
 * newer: another owner may be putting it.
 */
export async function expireSnapshots(objects: ObjectStore, of: SnapshotTask): Promise<number> {
  const listed = listedSnapshots(of, await objects.list(snapshotFolder(of)));
  const complete = listed.filter(({ isComplete }) => isComplete);
  const [newest] = complete;
  if (newest === undefined) return 0;
  const keep = new Set(complete.slice(0, kept));
  const expired = listed.filter((each) => each.offset < newest.offset && !keep.has(each));
  for (const { names } of expired) for (const name of names) await objects.delete(name);
  return expired.filter(({ isComplete }) => isComplete).length;
}
