/** All values that a fleet gave out for training, in the feature log and in Parquet, read on as both grow. */
import type { Plan } from '../../src/define/plan.ts';
import type { Log } from '../../src/log/log.ts';
import type { ObjectStore } from '../../src/offline/object-store.ts';
import { nothingRead, readFeatureLog, readParquet } from '../support/feature-log-reader.ts';
import { textOf } from '../support/feature-texts.ts';
import type { OnlineValue } from '../support/reference-comparison.ts';

/** Rows by their identity: partition, position and key. */
class Rows {
  readonly name: string;
  readonly byIdentity = new Map<string, string>();
  readonly twice: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  add(rows: readonly string[]): void {
    for (const row of rows) {
      const identity = row.split(' ', 3).join(' ');
      if (this.byIdentity.has(identity))
        this.twice.push(`${this.name} holds (partition, position, key) ${identity} twice`);
      this.byIdentity.set(identity, row);
    }
  }

  notIn(others: Rows): string[] {
    return [...this.byIdentity]
      .filter(([identity, row]) => others.byIdentity.get(identity) !== row)
      .map(([, row]) => `only in ${this.name}: ${row}`);
  }
}

interface Visible {
  readonly position: number;
  readonly visible_us: number;
}

interface Newest {
  readonly position: number;
  readonly text: string;
}

export class FeatureHistory {
  private readonly log: Log;
  private readonly objects: ObjectStore;
  private readonly application: string;
  private readonly plan: Plan;
  private readonly logged = new Rows('the feature log');
  private readonly stored = new Rows('Parquet');
  private readonly newest = new Map<number, Newest>();
  private readonly before = nothingRead();
  private visible = { size: 0, byUser: new Map<string, Visible[]>() };

  constructor(log: Log, objects: ObjectStore, application: string, plan: Plan) {
    this.log = log;
    this.objects = objects;
    this.application = application;
    this.plan = plan;
  }

  get size(): number {
    return this.logged.byIdentity.size;
  }

  async readOn(): Promise<void> {
    const logged = await readFeatureLog(this.log, this.application, this.plan, this.before);
    this.logged.add(logged);
    for (const row of logged) this.takeNewest(row);
    this.stored.add(await readParquet(this.objects, this.before));
  }

  /** No identity twice; Parquet holds the rows of the feature log; the newest of each key is what is online. */
  mismatches(online: readonly OnlineValue[]): string[] {
    const { logged, stored } = this;
    return [
      ...logged.twice,
      ...stored.twice,
      ...logged.notIn(stored),
      ...stored.notIn(logged),
      ...online.flatMap((value) => this.staleness(value)),
    ];
  }

  /** Per partition of those given, when the first value became visible after an instant; milliseconds. */
  firstVisible(partitions: ReadonlySet<number>, since_ms: number): Map<number, number> {
    const first = new Map<number, number>();
    for (const row of this.logged.byIdentity.values()) {
      const partition = Number(row.slice(0, row.indexOf(' ')));
      const visible_ms = Number(row.slice(row.lastIndexOf(' ') + 1)) / 1000;
      if (!partitions.has(partition) || visible_ms <= since_ms) continue;
      first.set(partition, Math.min(first.get(partition) ?? Infinity, visible_ms));
    }
    return first;
  }

  /**
   * When a user's row was online that stands at these positions of a partition, of which all but one are repetitions: as the value of its
   * own position, or, where that says nothing new, as the next one. Null when there is neither.
   */
  visibleAt_us(partition: number, user: number, positions: readonly number[]): number | null {
    const values = this.byUser().get(`${partition} ${user}`) ?? [];
    const own = values.find(({ position }) => positions.includes(position));
    const value = own ?? values.find(({ position }) => position > positions.at(-1)!);
    return value?.visible_us ?? null;
  }

  /** By partition and user, in the order of their positions. */
  private byUser(): Map<string, Visible[]> {
    if (this.visible.size === this.size) return this.visible.byUser;
    const byUser = new Map<string, Visible[]>();
    for (const row of this.logged.byIdentity.values()) {
      const [partition, position, user] = row.split(' ', 3) as [string, string, string];
      const own = byUser.get(`${partition} ${user}`) ?? [];
      byUser.set(`${partition} ${user}`, own);
      own.push({ position: Number(position), visible_us: Number(row.slice(row.lastIndexOf(' ') + 1)) });
    }
    for (const own of byUser.values()) own.sort((a, b) => a.position - b.position);
    this.visible = { size: this.size, byUser };
    return byUser;
  }

  private takeNewest(row: string): void {
    const [, at, user, ...rest] = row.split(' ');
    const position = Number(at);
    if ((this.newest.get(Number(user))?.position ?? -1) >= position) return;
    this.newest.set(Number(user), { position, text: rest.join(' ') });
  }

  /** When it became visible is left out: a value that was lost and written again is visible since then, and was before. */
  private staleness(value: OnlineValue): string[] {
    const withoutStamp = (text: string | undefined): string => text?.replace(/ \S+$/, '') ?? 'none';
    const [stored, logged] = [withoutStamp(textOf(value)), withoutStamp(this.newest.get(value.user)?.text)];
    return stored === logged ? [] : [`user ${value.user}: online ${stored}, newest in the feature log ${logged}`];
  }
}
