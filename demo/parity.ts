/** Holds every stored value against the recount, and the newest Parquet row of every user against the online store. */
import { renderKey } from '../src/define/key.ts';
import type { EntityPlan, FeaturePlan, Plan, ViewPlan } from '../src/define/plan.ts';
import { bookkeepingField, parseBookkeeping, type Bookkeeping, type OnlineStore } from '../src/online/online-store.ts';
import { isEmpty, iso, knownFeatures, recount, windowSize_us, type KnownFeature, type Recount } from './oracle.ts';
import type { TruthEvent } from './oracle.ts';
import { newestRows, type NewestRow } from './parquet.ts';

/** A parity that compares little proves little. */
const enough = 1_000;
const shownMismatches = 10;

/** A view that holds features which the recount knows. */
export interface Checked {
  readonly view: ViewPlan;
  readonly features: readonly KnownFeature[];
}

export interface ParityOptions {
  readonly checked: Checked;
  readonly online: OnlineStore;
  readonly truth: readonly TruthEvent[];
  readonly dataDir: string;
  /** Resolves when all that was sent is visible online and in the files. */
  readonly settled: () => Promise<void>;
  /** Spoils one stored value first, to see that it is noticed. */
  readonly tamper: boolean;
}

export interface Mismatch {
  readonly user: number;
  readonly feature: string;
  readonly expected: string | null;
  readonly found: string | null;
  readonly asOf_us: number | null;
}

export interface Parity {
  readonly values: number;
  readonly nonEmpty: number;
  readonly changedByRetraction: number;
  readonly mismatches: readonly Mismatch[];
  readonly files: { readonly users: number; readonly mismatches: readonly Mismatch[] };
}

interface Stored {
  readonly fields: ReadonlyMap<string, string>;
  readonly bookkeeping: Bookkeeping;
}

/** The view with the most features that the recount can compute; null when there is none. */
export function findChecked(plan: Plan): Checked | null {
  let best: Checked | null = null;
  for (const entity of plan.entities) {
    if (entity.key.map(({ name }) => name).join() !== 'user_id') continue;
    for (const view of entity.views) {
      const features = knownFeatures.filter((name) =>
        view.features.some((feature) => feature.name === name && isKnown(feature, view, entity)),
      );
      if (features.length > (best?.features.length ?? 0)) best = { view, features };
    }
  }
  return best;
}

function isKnown(feature: FeaturePlan, view: ViewPlan, { inputs, tables }: EntityPlan): boolean {
  if (feature.kind !== 'aggregated') return false;
  const { input, value, where } = view.aggregates[feature.aggregate]!;
  const { window, result } = feature;
  const size_us = window.kind === 'tumbling' ? window.size_us : 0;
  const shape = `${tables[inputs[input]!.table]!.name} ${result.function} ${window.kind} ${size_us}`;
  const wanted = feature.name === 'last_update_time' ? 'max' : 'count';
  const isOfRows = wanted === 'max' || value === null;
  return where === null && isOfRows && shape === `public.transactions ${wanted} tumbling ${windowSize_us}`;
}

export async function checkParity(options: ParityOptions): Promise<Parity> {
  const { checked, truth, tamper, online } = options;
  const expected = recount(truth);
  const { stored, newest } = await readStores(options, expected.users, async () => {
    if (tamper) await spoil(online, checked, expected.users);
  });
  return {
    ...compareOnline(checked, expected, stored),
    files: { users: newest.size, mismatches: compareFiles(checked, stored, newest) },
  };
}

/** Both stores at one position for every user: while timers still fire, the files are a moment behind. */
async function readStores(
  { checked: { view }, online, dataDir, settled }: ParityOptions,
  users: readonly number[],
  beforeRead: () => Promise<void>,
): Promise<{ stored: Map<number, Stored>; newest: Map<number, NewestRow> }> {
  await settled();
  await beforeRead();
  for (let attempt = 1; ; attempt++) {
    const stored = await readHashes(online, view, users);
    const newest = await newestRows(dataDir, view.name, 'user_id', stored.size);
    const even = [...stored].every(([user, { bookkeeping }]) => newest.get(user)?.position === bookkeeping.position);
    if (even || attempt === 5) return { stored, newest };
    await settled();
  }
}

async function readHashes(online: OnlineStore, view: ViewPlan, users: readonly number[]): Promise<Map<number, Stored>> {
  const stored = new Map<number, Stored>();
  for (let from = 0; from < users.length; from += 1_000) {
    const part = users.slice(from, from + 1_000);
    const hashes = await online.read(part.map((user) => renderKey(view.online, String(user))));
    part.forEach((user, i) => {
      const fields = hashes[i] ?? null;
      const text = fields?.get(bookkeepingField(view.name));
      if (fields !== null && text !== undefined) stored.set(user, { fields, bookkeeping: parseBookkeeping(text) });
    });
  }
  return stored;
}

function compareOnline(
  { features }: Checked,
  expected: Recount,
  stored: ReadonlyMap<number, Stored>,
): Omit<Parity, 'files'> {
  const mismatches: Mismatch[] = [];
  let nonEmpty = 0;
  let changedByRetraction = 0;
  for (const user of expected.users) {
    const hash = stored.get(user);
    if (hash === undefined) {
      mismatches.push({ user, feature: '(all)', expected: 'a hash', found: null, asOf_us: null });
      continue;
    }
    const { asOf_us } = hash.bookkeeping;
    const right = expected.at(user, asOf_us);
    const naive = expected.withoutRetraction(user, asOf_us);
    for (const feature of features) {
      const found = hash.fields.get(feature) ?? null;
      if (!isEmpty(feature, right[feature])) nonEmpty++;
      if (naive[feature] !== right[feature]) changedByRetraction++;
      if (found !== right[feature]) mismatches.push({ user, feature, expected: right[feature], found, asOf_us });
    }
  }
  return { values: expected.users.length * features.length, nonEmpty, changedByRetraction, mismatches };
}

function compareFiles(
  { features }: Checked,
  stored: ReadonlyMap<number, Stored>,
  newest: ReadonlyMap<number, NewestRow>,
): Mismatch[] {
  const mismatches: Mismatch[] = [];
  for (const [user, { fields, bookkeeping }] of stored) {
    const { asOf_us, position } = bookkeeping;
    const row = newest.get(user);
    const pairs: [string, string | null, string | null][] = [
      ['_position', String(position), row === undefined ? null : String(row.position)],
      ['event_timestamp', iso(asOf_us), row === undefined ? null : iso(row.asOf_us)],
      ...features.map((feature): [string, string | null, string | null] => [
        feature,
        fields.get(feature) ?? null,
        textOf(feature, row?.values[feature]),
      ]),
    ];
    const wrong = pairs.find(([, expected, found]) => expected !== found);
    if (wrong !== undefined) {
      const [feature, expected, found] = wrong;
      mismatches.push({ user, feature, expected, found, asOf_us });
    }
  }
  return mismatches;
}

function textOf(feature: KnownFeature, value: unknown): string | null {
  if (typeof value !== 'bigint') return null;
  return feature === 'last_update_time' ? iso(Number(value)) : value.toString();
}

/** Writes a wrong count behind the engine's back, at the position that is stored. */
async function spoil(online: OnlineStore, { view }: Checked, users: readonly number[]): Promise<void> {
  const stored = await readHashes(online, view, users);
  const [user, { fields, bookkeeping }] = [...stored][Math.floor(stored.size / 2)]!;
  const names = view.features.map(({ name }) => name);
  const values = names.map((name) => fields.get(name) ?? null);
  values[names.indexOf('transaction_count_last_5_min')] = '123456789';
  const { generation, position, asOf_us } = bookkeeping;
  const key = renderKey(view.online, String(user));
  const fieldsOf = { name: view.name, fields: names };
  await online.upsert([{ key, view: fieldsOf, generation, position, asOf_us, values }]);
}

/** What the demo prints; the last line is the parity line. */
export function describeParity(parity: Parity, checked: Checked): string[] {
  const { values, nonEmpty, changedByRetraction, mismatches, files } = parity;
  const all = [
    ...mismatches.map((mismatch) => ({ where: 'online', ...mismatch })),
    ...files.mismatches.map((mismatch) => ({ where: 'parquet', ...mismatch })),
  ];
  const lines = all
    .slice(0, shownMismatches)
    .map(
      ({ where, user, feature, expected, found, asOf_us }) =>
        `  ${where}: user ${user} ${feature}: expected ${expected ?? 'null'}, found ${found ?? 'null'}, ` +
        `T ${asOf_us === null ? 'unknown' : iso(asOf_us)}`,
    );
  if (all.length > shownMismatches) lines.push(`  … and ${all.length - shownMismatches} more`);
  for (const problem of problemsOf(parity, checked)) lines.push(`  ${problem}`);
  lines.push(`parquet: ${files.users} newest rows compared, ${files.mismatches.length} mismatches`);
  lines.push(
    `parity: ${values} values compared (${nonEmpty} non-empty, ` +
      `${changedByRetraction} changed by retraction), ${mismatches.length} mismatches`,
  );
  return lines;
}

/** Why a comparison without mismatches still proves too little. A definition with one of the two features proves what it can. */
export function problemsOf(parity: Parity, { features }: Checked): string[] {
  if (features.length < knownFeatures.length) return [];
  const { nonEmpty, changedByRetraction } = parity;
  const problems: string[] = [];
  if (nonEmpty < enough) problems.push(`only ${nonEmpty} values are not empty; the check needs ${enough}`);
  if (changedByRetraction < enough) {
    problems.push(`only ${changedByRetraction} values were changed by a retraction; the check needs ${enough}`);
  }
  return problems;
}

export function isProven(parity: Parity, checked: Checked): boolean {
  const { mismatches, files } = parity;
  return mismatches.length === 0 && files.mismatches.length === 0 && problemsOf(parity, checked).length === 0;
}
