/** An entity partition on its way to the local store, and how far it is. */
import type { EntityPlace } from './entity-place.ts';
import { partitionId } from '../log/partition-id.ts';

/** `waiting` → `snapshot` if there is one → `changelog` → `loading`. */
export type RestoreStage =
  /** For what its group has committed, or for its turn. */
  | 'waiting'
  /** A snapshot is brought to the local store. */
  | 'snapshot'
  /** The changelog is brought to the local store. */
  | 'changelog'
  /** The task is made from the local store. */
  | 'loading';

/** For probes: what is still to be done until a task runs. */
export interface RestoreProgress {
  /** Of the entity log: `topic/partition`. */
  readonly partition: string;
  readonly stage: RestoreStage;
  readonly records: number;
  /** At most: what compaction took out of the changelog still counts. */
  readonly records_left: number;
  readonly bytes: number;
}

/** Where the state of a task comes from, beside the rest of the changelog. */
export type RestoreSource = 'disk' | 'snapshot' | 'changelog';

/** Whose state is brought: a partition that this worker owns, or one that another serves. */
export interface StateOwner extends EntityPlace {
  /** Its state is not needed any more. */
  readonly isReleased: boolean;
}

export class RestoringTask<Owner extends StateOwner = StateOwner> {
  readonly owned: Owner;
  readonly name: string;
  /** Of the changelog: all that is committed stands below. */
  readonly end: number;
  /** When the end was asked for, milliseconds since 1970. */
  readonly asked_ms: number;
  /** The entity group's committed offset, null before the first commit, and for copies. */
  readonly committed: number | null;
  source: RestoreSource = 'changelog';
  stage: RestoreStage = 'waiting';
  /** The next changelog offset that the local store lacks. */
  next = 0;
  /** Changelog records that were read. */
  records = 0;
  /** Entries of a snapshot that are still to come. */
  snapshotEntries_left = 0;
  snapshotEntries = 0;
  bytes = 0;

  constructor(owned: Owner, end: number, asked_ms: number, committed: number | null = null) {
    this.owned = owned;
    this.name = owned.taskName;
    this.end = end;
    this.asked_ms = asked_ms;
    this.committed = committed;
  }

  get records_left(): number {
    return this.snapshotEntries_left + Math.max(0, this.end - this.next);
  }

  get progress(): RestoreProgress {
    const { stage, records_left, bytes } = this;
    return {
      partition: partitionId(this.owned.at),
      stage,
      records: this.records + this.snapshotEntries,
      records_left,
      bytes,
    };
  }
}
