/**
 * Debezium, as far as its topics show it: the change log as envelopes, at least once, in order per partition; heartbeats while it
 * streams; a snapshot at the start. Faults come by `crash` and `restart`.
 */
import type { Clock } from '../../time/clock.ts';
import { envelopeBytes, envelopeHead, keyBytes, type EnvelopeSource } from './debezium-envelope.ts';
import type { Published, PublishedRecord } from './published.ts';
import type { Random } from './random.ts';
import type { Change, SimulatedDatabase } from './simulated-database.ts';
import { SnapshotPass, type SnapshotRow } from './snapshot-pass.ts';
import { heartbeatTopic, prefix, topicOf } from './tables.ts';

export type Publish = (topic: string, partition: number, key: Uint8Array, value: Uint8Array | null) => void;

export interface ConnectorOptions {
  readonly database: SimulatedDatabase;
  readonly clock: Clock;
  readonly random: Random;
  /** Partitions of each source topic; the heartbeat topic needs one. */
  readonly partitions: number;
  /** Must store the records of a partition in this order, each at the next offset, from 0 and without others between. */
  readonly publish: Publish;
  /** From a commit to its records, milliseconds; both ends included. Default 1 to 8. */
  readonly delay_ms?: readonly [low: number, high: number];
  /** Changes that a restart sends again at most. Default 40. */
  readonly repeated?: number;
  /**
   * - `none` (default): streams from the first change of all.
   * - `whole`: reads all rows first, in one pass.
   * - `restarted`: dies in the first pass and reads all a second time.
   */
  readonly snapshot?: 'none' | 'whole' | 'restarted';
}

type Phase = 'stopped' | 'snapshot' | 'streaming';

/** Where a record goes. */
interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly key: Uint8Array;
}

const heartbeat_ms = 1000;

export class SimulatedConnector {
  /** Records of a restarted connector that were there before. */
  repeats = 0;
  private readonly options: ConnectorOptions;
  private readonly records = new Map<string, PublishedRecord[][]>();
  /** Per change, whether it was sent. */
  private readonly sent: boolean[] = [];
  private current: Phase = 'stopped';
  private pass: SnapshotPass | null = null;
  private passes = 0;
  /** The next change to be sent. */
  private position = 0;
  /** The stored offset: a restart goes back no further. */
  private stored = 0;
  /** How long a restarted one needs until it sends. */
  private search_ms = 0;
  /** Its `source.sequence` has no previous commit. */
  private firstTxId: number | null = null;
  private cancelWork: (() => void) | null = null;
  private cancelHeartbeats: () => void = () => undefined;

  constructor(options: ConnectorOptions) {
    this.options = options;
    for (const table of options.database.tables) {
      const partitions = Array.from({ length: options.partitions }, (): PublishedRecord[] => []);
      this.records.set(topicOf(table), partitions);
    }
    options.database.onCommit(() => this.wake());
  }

  get phase(): Phase {
    return this.current;
  }

  get published(): Published {
    return this.records;
  }

  /** All that was committed has been sent, the snapshot included. */
  get isCaughtUp(): boolean {
    return this.current === 'streaming' && this.position === this.options.database.changes.length;
  }

  start(): void {
    if (this.current !== 'stopped') throw new RangeError('the connector runs already');
    this.cancelWork?.();
    this.cancelWork = null;
    const reads = (this.options.snapshot ?? 'none') !== 'none';
    if (reads && (this.pass === null || !this.pass.isOver)) this.startPass();
    else this.stream();
  }

  /**
   * Dies without storing its offset. What it was about to send arrives in part, per partition up to another change.
   * @returns false when nothing was done: it does not run, or its snapshot must stay whole.
   */
  crash(): boolean {
    if (this.current === 'stopped') return false;
    if (this.current === 'snapshot' && this.options.snapshot === 'whole') return false;
    if (this.current === 'streaming') this.tear();
    this.halt();
    return true;
  }

  /** Goes on from some offset between the stored one and where it was; reads all again when the snapshot was not over. */
  restart(): void {
    const { random, repeated = 40 } = this.options;
    this.stored = random.between(Math.max(this.stored, this.position - repeated), this.position);
    this.position = this.stored;
    // It looks for its place in the log, and beats meanwhile: rows 20 s older than a heartbeat were measured to follow it.
    this.search_ms = random.chance(0.5) ? random.between(100, 4_000) : 0;
    this.start();
  }

  /** Ends it in good order: a start sends nothing again. A snapshot that is under way is lost. */
  stop(): void {
    this.stored = this.position;
    this.halt();
  }

  private halt(): void {
    this.current = 'stopped';
    this.cancelWork?.();
    this.cancelWork = null;
    this.cancelHeartbeats();
  }

  private startPass(): void {
    const { database, clock, random } = this.options;
    const pass = new SnapshotPass(database, ++this.passes, clock.now_ms());
    this.pass = pass;
    this.current = 'snapshot';
    // The slot of a restarted snapshot is there already: its log position is older than the rows that it reads.
    const wait_ms = pass.number === 1 ? 0 : random.between(350, 400);
    const read = (): void => {
      const total = pass.read();
      const dies = this.options.snapshot === 'restarted' && pass.number === 1;
      this.readRows(pass, dies ? random.int(Math.max(1, total)) : Infinity);
    };
    if (wait_ms === 0) read();
    else this.cancelWork = clock.after(wait_ms, read);
  }

  /** @param survives how many rows until it dies. */
  private readRows(pass: SnapshotPass, survives: number): void {
    const { clock, random } = this.options;
    this.cancelWork = clock.after(random.between(1, 10), () => {
      const rows = pass.take(Math.min(random.between(5, 60), survives));
      for (const row of rows) this.sendRow(pass, row);
      if (rows.length === survives) {
        this.halt();
        this.cancelWork = clock.after(random.between(300, 3_000), () => this.start());
      } else if (!pass.isOver) this.readRows(pass, survives - rows.length);
      else {
        this.position = pass.streamFrom;
        this.stored = pass.streamFrom;
        this.stream();
      }
    });
  }

  private stream(): void {
    const { clock } = this.options;
    this.current = 'streaming';
    this.cancelWork = null;
    this.beat();
    this.cancelHeartbeats = clock.every(heartbeat_ms, () => this.beat());
    this.wake();
  }

  private beat(): void {
    const { publish, clock } = this.options;
    const key = Buffer.from(`{"serverName":"${prefix}"}`);
    publish(heartbeatTopic, 0, key, Buffer.from(`{"ts_ms":${clock.now_ms()}}`));
  }

  private wake(): void {
    const { database, clock, random, delay_ms = [1, 8] } = this.options;
    if (this.current !== 'streaming' || this.cancelWork !== null) return;
    if (this.position === database.changes.length) return;
    const search_ms = this.search_ms;
    this.search_ms = 0;
    this.cancelWork = clock.after(search_ms + random.between(...delay_ms), () => {
      this.cancelWork = null;
      this.sendBatch();
      this.wake();
    });
  }

  private sendBatch(): void {
    const { database, random } = this.options;
    const { length } = database.changes;
    const end = random.chance(0.2) ? random.between(this.position + 1, length) : length;
    for (; this.position < end; this.position++) this.sendChange(database.changes[this.position]!, true);
    if (random.chance(0.03)) this.stored = this.position;
  }

  private tear(): void {
    const { database, random } = this.options;
    const left = new Map<string, number>();
    for (const change of database.changes.slice(this.position, this.position + 20)) {
      const { topic, partition } = this.placeOf(change);
      const id = `${topic}/${partition}`;
      const more = left.get(id) ?? random.int(5);
      left.set(id, more - 1);
      if (more > 0) this.sendChange(change, more > 1);
    }
  }

  private sendChange(change: Change, withTombstone: boolean): void {
    const { table, operation, primaryKey, before, after, txId, commit_us, lsn, previousCommit } = change;
    this.firstTxId ??= txId;
    const place = this.placeOf(change);
    const repeated = this.sent[change.index] ?? false;
    const record = { table, primaryKey, before, after, commit_us, pass: 0, repeated };
    this.send(
      place,
      { ...record, kind: 'change' },
      {
        ...{ prefix, table, operation, before, after, txId, commit_us, lsn, snapshot: 'false' },
        previousCommit: txId === this.firstTxId ? null : previousCommit,
      },
    );
    if (operation === 'd' && withTombstone) this.send(place, { ...record, kind: 'tombstone' }, null);
    if (repeated) this.repeats++;
    this.sent[change.index] = true;
  }

  private sendRow(pass: SnapshotPass, { table, primaryKey, row, marker }: SnapshotRow): void {
    const { txId, lsn, started_us: commit_us, number } = pass;
    const images = { table, primaryKey, before: null, after: row, commit_us };
    this.send(
      this.placeOf({ table, primaryKey }),
      { ...images, kind: 'snapshot', pass: number, repeated: false },
      { ...images, prefix, operation: 'r', txId, lsn, previousCommit: null, snapshot: marker },
    );
  }

  private send(place: Place, record: Omit<PublishedRecord, 'sent_ms'>, source: EnvelopeSource | null): void {
    const { topic, partition, key } = place;
    const sent_ms = this.options.clock.now_ms();
    this.records.get(topic)![partition]!.push({ ...record, sent_ms });
    const value = source === null ? null : envelopeBytes(envelopeHead(source), sent_ms);
    this.options.publish(topic, partition, key, value);
  }

  private placeOf({ table, primaryKey }: Pick<Change, 'table' | 'primaryKey'>): Place {
    const key = keyBytes(table, primaryKey);
    return { topic: topicOf(table), partition: partitionOf(key, this.options.partitions), key };
  }
}

/** FNV-1a over the key's bytes. Kafka's producer takes murmur2; all that matters here is that a row never moves. */
function partitionOf(key: Uint8Array, partitions: number): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % partitions;
}
