/** Whether definitions can use a dead letter, and whether a new generation would find it in its place. */
import { createDecoder } from '../cdc/decoder.ts';
import type { Plan } from '../define/plan.ts';
import { MillraceError } from '../errors.ts';
import type { TopicPartition } from '../log/log.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';

/** What a source partition holds now. */
export interface Held {
  readonly beginning: number;
  readonly end: number;
}

/** Null for a partition that does not exist. */
export type HeldBy = (at: TopicPartition) => Held | null;

export type Verdict =
  /** No definition reads its topic any more. */
  | { readonly kind: 'unread' }
  /** A new generation would use it. */
  | { readonly kind: 'usable' }
  /** A new generation would refuse it again. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }
  /** Its place is gone from the topic: a new generation would not see it. */
  | { readonly kind: 'gone' };

export interface Judged {
  readonly letter: DeadLetter;
  readonly verdict: Verdict;
}

export const placeOf = ({ topic, partition, offset }: DeadLetter): string => `${topic}/${partition}, offset ${offset}`;

/** One for each record, in the order of the letters, which may name one several times. */
export function judgeDeadLetters(plan: Plan, letters: readonly DeadLetter[], held: HeldBy): readonly Judged[] {
  const tables = plan.entities.flatMap((entity) => entity.tables);
  const decoders = new Map(tables.map((table) => [table.topic, createDecoder(table)]));
  const verdictOf = (letter: DeadLetter): Verdict => {
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
  const records = new Map(letters.map((letter) => [placeOf(letter), letter]));
  return [...records.values()].map((letter) => ({ letter, verdict: verdictOf(letter) }));
}

/** Its letters by source topic, in the order of their names. */
export function byTopic(judged: readonly Judged[]): readonly (readonly [string, readonly Judged[]])[] {
  const topics = new Map<string, Judged[]>();
  for (const each of judged) {
    const known = topics.get(each.letter.topic);
    if (known === undefined) topics.set(each.letter.topic, [each]);
    else known.push(each);
  }
  return [...topics].sort(([a], [b]) => (a < b ? -1 : 1));
}

export const counted = (judged: readonly Judged[]): string =>
  `${judged.length} ${judged.length === 1 ? 'record' : 'records'}, the last at ${placeOf(judged.at(-1)!.letter)},`;
