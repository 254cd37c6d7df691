/**
 * (C) One feature-log partition on its way to the object store: records in, files out, each record in exactly one file per view, with
 * the store itself as the memory. Pure: it says which file is to be put, and is told what came of it.
 */
import type { EntityPlan, ViewPlan } from '../define/plan.ts';
import { summarizeFeatureFrame } from '../frames/feature-frame.ts';
import type { EncodeRequest } from './parquet-encoder.ts';

export interface FlushLimits {
  /** A file ends at so many rows, */
  readonly rows: number;
  /** or so many bytes of feature-log records, */
  readonly bytes: number;
  /** or so long after its first record, milliseconds. */
  readonly age_ms: number;
}

interface HeldRecord {
  readonly offset: number;
  readonly value: Uint8Array;
  readonly rows: number;
  readonly day: string;
}

interface OpenFile {
  readonly records: HeldRecord[];
  readonly opened_ms: number;
  rows: number;
  bytes: number;
}

/** A file that is cut and waits for its put. */
export interface CutFile {
  readonly view: ViewPlan;
  readonly name: string;
  readonly rows: number;
  readonly records: readonly HeldRecord[];
}

interface ViewProgress {
  readonly view: ViewPlan;
  /** The last feature-log offset that the store's files hold. */
  stored: number;
  open: OpenFile | null;
  readonly cut: CutFile[];
}

const day = (us: number): string => new Date(us / 1000).toISOString().slice(0, 10);

export class OfflineTask {
  readonly entity: EntityPlan;
  readonly partition: number;
  private readonly limits: FlushLimits;
  private readonly views: readonly ViewProgress[];
  private next: number;

  /**
   * @param start the first record that will be given.
   * @param stored per view, by name, the last offset of its newest object.
   */
  constructor(
    entity: EntityPlan,
    partition: number,
    limits: FlushLimits,
    start: number,
    stored: ReadonlyMap<string, number>,
  ) {
    this.entity = entity;
    this.partition = partition;
    this.limits = limits;
    this.next = start;
    this.views = entity.views.map((view) => ({ view, stored: stored.get(view.name) ?? -1, open: null, cut: [] }));
  }

  /** The offset to commit: everything below is in the store. */
  get done(): number {
    const waiting = this.views.flatMap(({ open, cut }) => [
      cut[0]?.records[0]?.offset ?? open?.records[0]?.offset ?? Infinity,
    ]);
    return Math.min(this.next, ...waiting);
  }

  /** Bytes of records that are held. */
  get held_bytes(): number {
    const bytesOf = (records: readonly HeldRecord[]): number =>
      records.reduce((sum, { value }) => sum + value.length, 0);
    return this.views.reduce(
      (sum, { open, cut }) => sum + (open?.bytes ?? 0) + cut.reduce((s, { records }) => s + bytesOf(records), 0),
      0,
    );
  }

  /** Takes one record; it may end one or two files. */
  accept(offset: number, value: Uint8Array, now_ms: number): void {
    this.next = offset + 1;
    const { view, rows, firstAsOf_us } = summarizeFeatureFrame(value, this.entity);
    const progress = this.views[view.index]!;
    if (offset <= progress.stored) return;
    const record = { offset, value, rows, day: day(firstAsOf_us) };
    if (progress.open !== null && startsFile(record, progress.open.records)) this.cut(progress);
    const file = (progress.open ??= { records: [], opened_ms: now_ms, rows: 0, bytes: 0 });
    file.records.push(record);
    file.rows += rows;
    file.bytes += value.length;
    if (file.rows >= this.limits.rows || file.bytes >= this.limits.bytes) this.cut(progress);
  }

  /** Ends the files that are old enough. */
  cutAged(now_ms: number): void {
    for (const progress of this.views) {
      if (progress.open !== null && now_ms - progress.open.opened_ms >= this.limits.age_ms) this.cut(progress);
    }
  }

  cutAll(): void {
    for (const progress of this.views) if (progress.open !== null) this.cut(progress);
  }

  /** The file of a view to be put next: strictly one after another. */
  nextPut(view: ViewPlan): CutFile | null {
    return this.views[view.index]!.cut[0] ?? null;
  }

  /** What the file is made of. */
  contentOf(file: CutFile): EncodeRequest {
    const { entity, partition } = this;
    const [first, last] = [file.records[0]!.offset, file.records.at(-1)!.offset];
    return { entity, view: file.view, partition, first, last, records: file.records.map(({ value }) => value) };
  }

  /**
   * The store has an object of the file's name now.
   * @param last the last offset that the object holds; with another owner's object it may be less or more than the file's own.
   */
  stored(file: CutFile, last: number): void {
    const progress = this.views[file.view.index]!;
    progress.stored = Math.max(progress.stored, last);
    const isLeft = ({ offset }: HeldRecord): boolean => offset > progress.stored;
    for (const cut of progress.cut.splice(0)) {
      const left = cut.records.filter(isLeft);
      const files = left.length === cut.records.length ? [cut] : byDay(left).map((run) => this.fileOf(cut.view, run));
      progress.cut.push(...files);
    }
    const { open } = progress;
    if (open === null || open.records.every(isLeft)) return;
    const runs = byDay(open.records.filter(isLeft));
    const newest = runs.pop();
    progress.open = newest === undefined ? null : reopened(open, newest);
    progress.cut.push(...runs.map((run) => this.fileOf(progress.view, run)));
  }

  private cut(progress: ViewProgress): void {
    progress.cut.push(this.fileOf(progress.view, progress.open!.records));
    progress.open = null;
  }

  private fileOf(view: ViewPlan, records: readonly HeldRecord[]): CutFile {
    const [first] = records;
    const folder = `${objectPrefix(view, this.entity.generation)}dt=${first!.day}`;
    const rows = records.reduce((sum, record) => sum + record.rows, 0);
    return {
      view,
      name: `${folder}/${this.partition}-${String(first!.offset).padStart(20, '0')}.parquet`,
      rows,
      records,
    };
  }
}

/** A file has the day of its first record; a later day starts a new one. */
const startsFile = (record: HeldRecord, file: readonly HeldRecord[]): boolean => record.day > file[0]!.day;

function byDay(records: readonly HeldRecord[]): HeldRecord[][] {
  const runs: HeldRecord[][] = [];
  for (const record of records) {
    const run = runs.at(-1);
    if (run === undefined || startsFile(record, run)) runs.push([record]);
    else run.push(record);
  }
  return runs;
}

function reopened(file: OpenFile, records: HeldRecord[]): OpenFile {
  const sum = (of: (record: HeldRecord) => number): number => records.reduce((total, record) => total + of(record), 0);
  return { records, opened_ms: file.opened_ms, rows: sum(({ rows }) => rows), bytes: sum(({ value }) => value.length) };
}

export const objectPrefix = (view: ViewPlan, generation: number): string => `${view.name}/g${generation}/`;

/** Per partition, the object with the greatest first offset: whatever day its folder says. */
export function newestObjects(names: readonly string[]): ReadonlyMap<number, string> {
  const newest = new Map<number, { first: number; name: string }>();
  for (const name of names) {
    const match = /\/dt=[^/]+\/(\d+)-(\d+)\.parquet$/.exec(name);
    if (match === null) continue;
    const [partition, first] = [Number(match[1]), Number(match[2])];
    if (first >= (newest.get(partition)?.first ?? 0)) newest.set(partition, { first, name });
  }
  return new Map([...newest].map(([partition, { name }]) => [partition, name]));
}
