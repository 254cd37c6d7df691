/**
 * A small shop whose database is captured by Debezium: people sign up, buy, and their purchases are corrected, moved to other
 * users and taken back. Seeded. The shop remembers every change once, in commit order, as the truth for the recount; what the
 * connector sends twice is in the records only.
 *
 *     users         user_id, name, country, signup_time
 *     transactions  transaction_id, user_id, amount, currency, status, location, merchant, transaction_time
 */
import {
  envelope,
  envelopeHead,
  partitionOf,
  topicOf,
  type Change,
  type Operation,
  type SourceRecord,
} from './envelope.ts';
import type { RowImage, TruthEvent } from './oracle.ts';
import { seededRandom, zipf, type Random } from './random.ts';

export interface ShopOptions {
  readonly seed: number;
  /** Users at the opening; a few more sign up later. Default 5,000. */
  readonly users?: number;
  /** Partitions of each source topic. Default 3. */
  readonly partitions?: number;
}

/** A row of `public.transactions`, in the order of its columns. */
export interface Purchase extends RowImage {
  readonly amount: string;
  readonly currency: string;
  readonly status: string;
  readonly location: string | null;
  readonly merchant: string;
}

interface UserRow {
  readonly user_id: number;
  readonly name: string;
  readonly country: string | null;
  readonly signup_time: number;
}

/** What the database did, and how many records the connector repeated. */
export interface ShopCounts {
  inserts: number;
  updates: number;
  deletes: number;
  replays: number;
}

/** A database transaction that is about to commit. */
interface Transaction {
  readonly txId: number;
  readonly commit_us: number;
  readonly previousCommit: number | null;
  /** Log positions it took before the transaction that overtook it. */
  readonly reserved: number[];
  readonly records: SourceRecord[];
}

interface Sent {
  /** Null for a tombstone. */
  readonly head: string | null;
  readonly record: SourceRecord;
}

/** An event is at most so old at its commit: below the out-of-orderness of 5 s, so that no row is late by accident. */
const disorder_ms = 4_500;
/** A crashed connector repeats at most so many records. */
const replayable = 400;
/** Rows that can still change; older ones stay as they are. */
const changeable = 60_000;

const names = ['Ada', 'Alan', 'Barbara', 'Edsger', 'Grace', 'Hedy', 'Katherine', 'Leslie', 'Margaret', 'Zoë 🦊'];
const countries = ['CZ', 'DE', 'FR', 'GB', 'PL', 'US', null];
const cities = ['Berlin', 'Kraków', 'London', 'Lyon', 'New York', 'Praha', 'São Paulo', null];
const merchants = ['Bakery', 'Books', 'Cinema', 'Fuel', 'Garden', 'Grocer', 'Hotel', 'Pharmacy', 'Railway', 'Shoes'];
const statuses = ['ok', 'ok', 'ok', 'pending', 'declined'];

export class Shop {
  readonly topics = [topicOf('users'), topicOf('transactions')] as const;
  readonly partitions: number;
  readonly truth: TruthEvent[] = [];
  readonly counts: ShopCounts = { inserts: 0, updates: 0, deletes: 0, replays: 0 };
  private readonly random: Random;
  private readonly shopper: () => number;
  private readonly openingUsers: number;
  private readonly users: UserRow[] = [];
  private readonly rows: Purchase[] = [];
  private readonly sent: Sent[] = [];
  private lastPurchase = 1000;
  private lastTxId = 740;
  private lastCommit: number | null = null;
  private lsn = 33_585_184;
  private now_us = 0;

  constructor(options: ShopOptions) {
    this.random = seededRandom(options.seed);
    this.openingUsers = options.users ?? 5_000;
    this.partitions = options.partitions ?? 3;
    this.shopper = zipf(this.random, this.openingUsers, 0.9);
  }

  /** False while the users of the opening still sign up. */
  get isOpen(): boolean {
    return this.users.length >= this.openingUsers;
  }

  /** What the connector sends next, committed at this instant: one or two transactions, or a stretch once more. Never empty. */
  next(now_us: number): SourceRecord[] {
    this.now_us = Math.max(this.now_us, now_us);
    if (!this.isOpen) return this.signUp();
    const dice = this.random.next();
    if (dice < 0.0008) return this.replay();
    if (dice < 0.01) return this.signUp();
    if (dice < 0.02) return this.relocate();
    if (dice < 0.05) return this.overtaken();
    if (dice < 0.1) return this.insertTogether(this.random.between(2, 8));
    return this.trade(dice < 0.2 ? this.random.between(2, 4) : 1);
  }

  /** The connector was killed and starts again where it had last stored its position: its most recent records come again. */
  replay(): SourceRecord[] {
    const stretch = this.sent.slice(-this.random.between(20, replayable));
    // A tombstone is one with its delete.
    const again = stretch.slice(stretch.findIndex(({ head }) => head !== null));
    this.counts.replays += again.filter(({ head }) => head !== null).length;
    return again.map(({ head, record }) =>
      head === null ? record : { ...record, value: envelope(head, this.now_us + 1_500) },
    );
  }

  /** A user with a first purchase, so that everyone has been seen in a window that is open. */
  private signUp(): SourceRecord[] {
    const transaction = this.begin();
    const user: UserRow = {
      user_id: this.users.length + 1,
      name: this.random.pick(names),
      country: this.random.pick(countries),
      signup_time: this.recently_us(),
    };
    this.users.push(user);
    this.write(transaction, { table: 'users', op: 'c', before: null, after: user }, user.user_id);
    this.insert(transaction, user.user_id);
    return this.commit(transaction);
  }

  private relocate(): SourceRecord[] {
    const transaction = this.begin();
    const index = this.random.between(0, this.users.length - 1);
    const before = this.users[index]!;
    const after = { ...before, country: this.random.pick(countries) };
    this.users[index] = after;
    this.write(transaction, { table: 'users', op: 'u', before, after }, before.user_id);
    return this.commit(transaction);
  }

  /** One statement a row; rows of one transaction have log positions of their own. */
  private trade(statements: number): SourceRecord[] {
    const transaction = this.begin();
    for (let i = 0; i < statements; i++) {
      const dice = this.random.next();
      if (dice < 0.68 || this.rows.length === 0) this.insert(transaction, this.shopper());
      else if (dice < 0.92) this.update(transaction);
      else this.delete(transaction);
    }
    return this.commit(transaction);
  }

  /** A multi-row INSERT: its rows share one log position. */
  private insertTogether(rows: number): SourceRecord[] {
    const transaction = this.begin();
    const lsn = this.advance();
    for (let i = 0; i < rows; i++) {
      transaction.reserved.push(lsn);
      this.insert(transaction, this.shopper());
    }
    return this.commit(transaction);
  }

  /** Two at once: the one that wrote first commits last, so its log positions are lower than what was sent before. */
  private overtaken(): SourceRecord[] {
    const txId = ++this.lastTxId;
    const reserved = [this.advance(), this.advance()];
    const quick = this.trade(1);
    const slow = { ...this.begin(), txId, reserved: [...reserved] };
    for (const _ of reserved) this.insert(slow, this.shopper());
    return [...quick, ...this.commit(slow)];
  }

  private insert(transaction: Transaction, user_id: number): void {
    const after: Purchase = {
      transaction_id: ++this.lastPurchase,
      user_id,
      amount: this.amount(),
      currency: 'EUR',
      status: this.random.pick(statuses),
      location: this.random.pick(cities),
      merchant: this.random.pick(merchants),
      transaction_time: this.recently_us(),
    };
    this.rows.push(after);
    if (this.rows.length > changeable) this.rows.splice(0, changeable / 4);
    this.writePurchase(transaction, 'c', null, after);
  }

  private update(transaction: Transaction): void {
    const index = this.pickRow();
    const before = this.rows[index]!;
    const after = { ...before, ...this.correction(before) };
    this.rows[index] = after;
    this.writePurchase(transaction, 'u', before, after);
  }

  private delete(transaction: Transaction): void {
    const index = this.pickRow();
    const before = this.rows[index]!;
    const last = this.rows.pop()!;
    if (index < this.rows.length) this.rows[index] = last;
    this.writePurchase(transaction, 'd', before, null);
  }

  private correction(row: Purchase): Partial<Purchase> {
    // What was put into a window long ago often comes back.
    const past = this.now_us - row.transaction_time > 60_000_000;
    if (past && this.random.chance(0.6)) return { transaction_time: this.recently_us() };
    const dice = this.random.next();
    if (dice < 0.22) return { amount: this.amount() };
    if (dice < 0.42) return { status: this.random.pick(statuses) };
    if (dice < 0.52) return { location: this.random.pick(cities) };
    if (dice < 0.72) return { user_id: this.shopper() };
    // It happened earlier, perhaps in a window that has long closed.
    if (dice < 0.84) return { transaction_time: row.transaction_time - this.random.between(1, 420_000) * 1000 };
    if (dice < 0.97) return { transaction_time: this.recently_us() };
    return {}; // UPDATE that changes nothing: Debezium sends it all the same.
  }

  /** Mostly a recent one. */
  private pickRow(): number {
    const { length } = this.rows;
    const from = this.random.chance(0.7) ? Math.max(0, length - 2_000) : 0;
    return this.random.between(from, length - 1);
  }

  private amount(): string {
    const cents = Math.round(100 * 10 ** (this.random.next() * 3));
    return (cents / 100).toFixed(2);
  }

  /** timestamp(3): whole milliseconds, in microseconds. */
  private recently_us(): number {
    return (Math.floor(this.now_us / 1000) - Math.floor(disorder_ms * this.random.next() ** 3)) * 1000;
  }

  private advance(): number {
    this.lsn += 8 * this.random.between(10, 40);
    return this.lsn;
  }

  private begin(): Transaction {
    const { now_us: commit_us, lastCommit: previousCommit } = this;
    return { txId: ++this.lastTxId, commit_us, previousCommit, reserved: [], records: [] };
  }

  private commit(transaction: Transaction): SourceRecord[] {
    this.lastCommit = this.advance();
    if (this.sent.length > 4 * replayable) this.sent.splice(0, this.sent.length - replayable);
    return transaction.records;
  }

  private writePurchase(
    transaction: Transaction,
    op: Operation,
    before: Purchase | null,
    after: Purchase | null,
  ): void {
    const row = (after ?? before)!;
    this.truth.push({ op, row });
    this.write(transaction, { table: 'transactions', op, before, after }, row.transaction_id);
  }

  private write(
    transaction: Transaction,
    change: Pick<Change, 'table' | 'op' | 'before' | 'after'>,
    primaryKey: number,
  ): void {
    const { txId, previousCommit, commit_us, reserved, records } = transaction;
    const lsn = reserved.shift() ?? this.advance();
    const column = change.table === 'users' ? 'user_id' : 'transaction_id';
    const key = Buffer.from(`{"${column}":${primaryKey}}`);
    const place = { topic: topicOf(change.table), partition: partitionOf(key, this.partitions), key };
    const head = envelopeHead({ ...change, txId, lsn, previousCommit, commit_us });
    const batch: Sent[] = [{ head, record: { ...place, value: envelope(head, commit_us + 1_500) } }];
    if (change.op === 'd') batch.push({ head: null, record: { ...place, value: null } });
    this.sent.push(...batch);
    records.push(...batch.map(({ record }) => record));
    this.counts[change.op === 'c' ? 'inserts' : change.op === 'u' ? 'updates' : 'deletes']++;
  }
}
