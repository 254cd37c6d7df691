/** Finds the newest snapshot that is good and brings it into a local store. */
import { MillraceError, RetriableError } from '../../errors.ts';
import type { ObjectStore } from '../../offline/object-store.ts';
import type { BatchedStateWriter } from '../batched-writer.ts';
import type { StateCheckpoint } from '../state-store.ts';
import { decodeManifest, decodePart, type SnapshotManifest } from './snapshot-format.ts';
import { listedSnapshots, manifestName, partName, snapshotFolder, type SnapshotTask } from './snapshot-names.ts';

/** Stands in the local store while a snapshot comes in: whoever finds it begins anew. */
export const unfinishedOffset = -1;

/** Why a snapshot is not used. */
export type PassedOver = 'corrupt' | 'lost' | 'old' | 'foreign' | 'ahead' | 'unreachable';

export interface SnapshotLimits {
  /** Of the changelog: what is to be used ends before. */
  readonly end: number;
  /** What is older is not used, milliseconds since 1970. */
  readonly oldest_ms: number;
}

export class SnapshotReader {
  private readonly objects: ObjectStore;
  private readonly passedOver: (name: string, why: PassedOver, message: string) => void;

  constructor(objects: ObjectStore, passedOver: (name: string, why: PassedOver, message: string) => void) {
    this.objects = objects;
    this.passedOver = passedOver;
  }

  /** Changelog offsets of the complete ones, newest first. Empty when the store does not answer. */
  async offsets(of: SnapshotTask): Promise<readonly number[]> {
    const folder = snapshotFolder(of);
    const names = await this.tried(folder, () => this.objects.list(folder));
    const listed = listedSnapshots(of, names ?? []);
    return listed.filter(({ isComplete }) => isComplete).map(({ offset }) => offset);
  }

  /** The manifest of a snapshot; null when that is not to be used, which was said. */
  async manifest(
    of: SnapshotTask,
    offset: number,
    { end, oldest_ms }: SnapshotLimits,
  ): Promise<SnapshotManifest | null> {
    const name = manifestName(of, offset);
    const manifest = await this.tried(name, async () => {
      const bytes = await this.objects.read(name);
      if (bytes !== null) return decodeManifest(name, bytes);
      this.passedOver(name, 'lost', 'it is not there any more');
      return null;
    });
    if (manifest === null) return null;
    const isOf = manifest.task === of.task && manifest.topicId === of.topicId && manifest.changelogOffset === offset;
    if (!isOf || manifest.definition !== of.definition || manifest.generation !== of.generation)
      this.passedOver(name, 'foreign', 'it is of another task or definition');
    else if (offset >= end) this.passedOver(name, 'ahead', `it is ahead of the changelog, which ends at ${end}`);
    else if (manifest.written_ms < oldest_ms) this.passedOver(name, 'old', 'removals behind it may be gone');
    else return manifest;
    return null;
  }

  /**
   * Brings all entries into the store, and last their checkpoint.
   * @param taken called with the entries and bytes of each part; once it says no, the rest is left out.
   * @returns false when it did not come in whole: the store holds some of it, as an unfinished restore.
   * @throws MillraceError what the local store throws.
   */
  async load(
    manifest: SnapshotManifest,
    into: BatchedStateWriter,
    taken: (entries: number, bytes: number) => boolean,
  ): Promise<boolean> {
    const { task, changelogOffset, written_ms, definition, parts } = manifest;
    const unfinished: StateCheckpoint = { changelogOffset: unfinishedOffset, written_ms, definition };
    for (const [i, part] of parts.entries()) {
      const name = partName(manifest, changelogOffset, i);
      const entries = await this.tried(name, async () => {
        const bytes = await this.objects.read(name);
        if (bytes !== null) return decodePart(name, bytes, part);
        this.passedOver(name, 'lost', 'it is not there any more');
        return null;
      });
      if (entries === null) return false;
      await into.add([{ task, entries, checkpoint: unfinished }]);
      if (!taken(entries.length, part.bytes)) return false;
    }
    await into.add([{ task, entries: [], checkpoint: { ...unfinished, changelogOffset } }]);
    return true;
  }

  /** Null when it cannot be read, whatever the reason: there is the changelog. */
  private async tried<T>(name: string, read: () => Promise<T | null>): Promise<T | null> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      if (error.code === 'snapshot-unusable') this.passedOver(name, 'corrupt', error.message);
      else if (error instanceof RetriableError || error.code === 'store-unavailable')
        this.passedOver(name, 'unreachable', error.message);
      else throw error;
      return null;
    }
  }
}
