/** Bugs of the snapshots of state. */
import type { Mutant } from './runner.ts';

export const snapshots: readonly Mutant[] = [
  {
    name: 'snapshot offset from now instead of from its checkpoint',
    file: 'worker/snapshot-scheduler.ts',
    find: 'const manifest = await writeSnapshot(options, of, snapshot, () => this.goesOn(owned));',
    replace: `const checkpoint = (await store.checkpoint(of.task)) ?? snapshot.checkpoint;
      const manifest = await writeSnapshot(options, of, { ...snapshot, checkpoint }, () => this.goesOn(owned));`,
    why: 'what was committed between the two is missing after a restore',
  },
  {
    name: 'corrupt snapshot accepted',
    file: 'state/snapshots/snapshot-format.ts',
    find: "if (!sha256(bytes).equals(hash)) throw corrupt(name, 'its checksum is not that of the manifest');",
    replace: '',
    why: 'a state that was never there goes on',
  },
  {
    name: 'lost part of a snapshot left out',
    file: 'state/snapshots/snapshot-reader.ts',
    find: 'if (entries === null) return false;',
    replace: 'if (entries === null) continue;',
    why: 'keys are missing after a restore',
  },
  {
    name: 'age of snapshots not checked',
    file: 'state/snapshots/snapshot-reader.ts',
    find: 'else if (manifest.written_ms < oldest_ms)',
    replace: 'else if (manifest.written_ms < oldest_ms - Infinity)',
    why: 'a key comes back whose removal the changelog has forgotten',
  },
];
