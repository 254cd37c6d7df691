/** What happens to snapshots of state in the object store. What they hold can be had otherwise, so anything may. */
import type { ObjectStore } from '../../offline/object-store.ts';
import { decodeManifest, decodePart, encodeManifest, PartWriter } from '../../state/snapshots/snapshot-format.ts';
import { partName } from '../../state/snapshots/snapshot-names.ts';
import type { Faults } from './faults.ts';

export const isSnapshotName = (name: string): boolean => name.startsWith('state/');

/** Older than any removal that a changelog keeps. */
export const aged_ms = 8 * 86_400_000;

export async function createDamaged(
  faults: Faults,
  objects: ObjectStore,
  name: string,
  body: Uint8Array,
): Promise<'created' | 'exists'> {
  if (faults.strikes('snapshot lost')) return 'created';
  if (faults.strikes('snapshot corrupted')) {
    const other = Uint8Array.from(body);
    other[other.length >> 1]! ^= 1;
    return objects.create(name, other);
  }
  if (name.endsWith('/manifest') && faults.strikes('snapshot older than the tombstones'))
    return objects.create(name, await aged(objects, name, body));
  return objects.create(name, body);
}

/** The simulated log keeps every removal. So that one is missing behind the snapshot, the snapshot has a key that never was. */
async function aged(objects: ObjectStore, name: string, body: Uint8Array): Promise<Uint8Array> {
  const manifest = decodeManifest(name, body);
  const first = partName(manifest, manifest.changelogOffset, 0);
  const bytes = await objects.read(first);
  const parts = [...manifest.parts];
  const known = bytes === null ? [] : readable(() => decodePart(first, bytes, parts[0]!));
  const removed = known.find(({ key }) => key[0] !== 0);
  if (removed !== undefined) {
    const writer = new PartWriter(1);
    writer.add({ key: Buffer.concat([removed.key, Buffer.from('0')]), value: removed.value });
    const { body: more, part } = writer.take();
    await objects.create(partName(manifest, manifest.changelogOffset, parts.length), more);
    parts.push(part);
  }
  return encodeManifest({ ...manifest, parts, written_ms: manifest.written_ms - aged_ms });
}

function readable<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch {
    return [];
  }
}
