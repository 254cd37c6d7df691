/** Whether every snapshot of state that can be read is what the changelog says, up to the offset that it is named after. */
import { decodeManifest, decodePart } from '../../state/snapshots/snapshot-format.ts';
import { changelogTopic } from '../../worker/topics.ts';
import { aged_ms } from './damaged-snapshots.ts';
import { application, type World } from './world.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** @returns a line for each that is not. */
export async function snapshotViolations(world: World): Promise<string[]> {
  const violations: string[] = [];
  const topic = changelogTopic(application, world.entity);
  const changelog = await world.records(topic);
  for (const name of await world.objects.list('state/')) {
    if (!name.endsWith('/manifest')) continue;
    const snapshot = await entriesOf(world, name);
    if (snapshot === null) continue;
    world.faults.happened('snapshot compared');
    const partition = Number(name.split('/').at(-3));
    const wanted = new Map<string, string>();
    for (const { key, value, offset } of changelog[partition]!) {
      if (offset > snapshot.offset) break;
      if (value === null) wanted.delete(hex(key!));
      else wanted.set(hex(key!), hex(value));
    }
    const { entries } = snapshot;
    const differing = [...new Set([...wanted.keys(), ...entries.keys()])].filter(
      (key) => wanted.get(key) !== entries.get(key),
    );
    if (differing.length > 0)
      violations.push(
        `I2: ${name} differs from the changelog in ${differing.length} keys, the first is ${differing[0]!}`,
      );
  }
  return violations;
}

/** Null when it was lost, damaged or made older on purpose. */
async function entriesOf(
  { objects, clock }: World,
  name: string,
): Promise<{ readonly offset: number; readonly entries: ReadonlyMap<string, string> } | null> {
  try {
    const { parts, changelogOffset: offset, written_ms } = decodeManifest(name, (await objects.read(name))!);
    if (written_ms < clock.now_ms() - aged_ms) return null;
    const entries = new Map<string, string>();
    for (const [i, part] of parts.entries()) {
      const partName = name.replace(/manifest$/, String(i).padStart(5, '0'));
      const bytes = await objects.read(partName);
      if (bytes === null) return null;
      for (const { key, value } of decodePart(partName, bytes, part)) entries.set(hex(key), hex(value!));
    }
    return { offset, entries };
  } catch {
    return null;
  }
}
