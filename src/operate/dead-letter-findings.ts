/**
 * What can be done about dead letters. One by one, nothing: `docs/dead-letters.md` says why. A new generation reads the source topics
 * from their beginning, and so reads each of these records in its own place; this says whether that would help.
 */
import { createDecoder } from '../cdc/decoder.ts';
import type { Plan, TablePlan } from '../define/plan.ts';
import { MillraceError } from '../errors.ts';
import type { TopicPartition } from '../log/log.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';
import { fault, fine, warning, type Finding } from './findings.ts';

/** What a source partition holds now. */
export interface Held {
  readonly beginning: number;
  readonly end: number;
}

export type HeldBy = (at: TopicPartition) => Held | null;

type Verdict =
  /** No definition reads its topic any more. */
  | { readonly kind: 'unread' }
  /** A new generation would use it. */
  | { readonly kind: 'usable' }
  /** A new generation would refuse it again. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }
  /** Its place is gone from the topic: a new generation would not see it. */
  | { readonly kind: 'gone' };

/**
 * @param letters may name a record twice.
 * @param held null for a partition that does not exist.
 */
export function deadLetterFindings(plan: Plan, letters: readonly DeadLetter[], held: HeldBy): readonly Finding[] {
  const records = new Map(letters.map((letter) => [placeOf(letter), letter]));
  if (records.size === 0) return [fine('dead letters', 'none')];
  const tables = new Map(plan.entities.flatMap((entity) => entity.tables.map((table) => [table.topic, table])));
  const judge = verdicts(tables, held);
  const byTopic = new Map<string, { readonly letter: DeadLetter; readonly verdict: Verdict }[]>();
  for (const letter of records.values()) {
    const judged = { letter, verdict: judge(letter) };
    const known = byTopic.get(letter.topic);
    if (known === undefined) byTopic.set(letter.topic, [judged]);
    else known.push(judged);
  }
  return [...byTopic]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([topic, judged]) => findingsOf(plan, topic, judged));
}

function verdicts(tables: ReadonlyMap<string, TablePlan>, held: HeldBy): (letter: DeadLetter) => Verdict {
  const decoders = new Map([...tables].map(([topic, table]) => [topic, createDecoder(table)]));
  return (letter) => {
    const decode = decoders.get(letter.topic);
    if (decode === undefined) return { kind: 'unread' };
    try {
      decode(letter.value_base64 === null ? null : Buffer.from(letter.value_base64, 'base64'));
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      return { kind: 'refused', code: error.code, reason: error.message };
    }
    const range = held(letter);
    const isHeld = range !== null && letter.offset >= range.beginning && letter.offset < range.end;
    return { kind: isHeld ? 'usable' : 'gone' };
  };
}

function findingsOf(
  plan: Plan,
  topic: string,
  judged: readonly { readonly letter: DeadLetter; readonly verdict: Verdict }[],
): readonly Finding[] {
  const readers = plan.entities.filter((entity) => entity.tables.some((table) => table.topic === topic));
  const names = readers.map(({ name, generation }) => `${name} (now ${generation})`).join(', ');
  const of = (kind: Verdict['kind']): typeof judged => judged.filter(({ verdict }) => verdict.kind === kind);
  const counted = (letters: typeof judged): string =>
    `${letters.length} ${letters.length === 1 ? 'record' : 'records'}, the last at ${placeOf(letters.at(-1)!.letter)},`;
  const findings: Finding[] = [];
  const [unread, usable, gone] = [of('unread'), of('usable'), of('gone')];
  if (unread.length > 0) findings.push(fine(topic, `${counted(unread)} which no definition reads any more`));
  if (usable.length > 0)
    findings.push(
      warning(
        topic,
        `${counted(usable)} can be used by these definitions, and are still in the topic`,
        `raise the generation of ${names}: it reads the topic from its beginning, and them in their places`,
      ),
    );
  for (const [code, letters] of groupedByCode(of('refused'))) {
    const last = letters.at(-1)!.verdict;
    const reason = last.kind === 'refused' ? last.reason : '';
    findings.push(fault(topic, `${counted(letters)} would be refused again (${code}): ${reason}`, remedyOf(code)));
  }
  if (gone.length > 0)
    findings.push(
      fault(
        topic,
        `${counted(gone)} can be used by these definitions, but are no longer in the topic`,
        `let a connector make a snapshot into new topics, then raise the generation of ${names}`,
      ),
    );
  return findings;
}

function groupedByCode<T extends { readonly verdict: Verdict }>(judged: readonly T[]): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of judged) {
    const code = each.verdict.kind === 'refused' ? each.verdict.code : '';
    groups.set(code, [...(groups.get(code) ?? []), each]);
  }
  return groups;
}

const remedyOf = (code: string): string =>
  code === 'row-unusable'
    ? 'what such a record lacks, no definition can make up for: repair the table or the connector, let a connector make a snapshot into ' +
      'new topics, then raise the generation'
    : 'repair the definition or, for what is still to come, the connector; then look again';

const placeOf = ({ topic, partition, offset }: DeadLetter): string => `${topic}/${partition}, offset ${offset}`;
