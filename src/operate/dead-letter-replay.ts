/**
 * How far a new generation is with the dead letters of those before it. It reads each in its own place: that is their replay, the one
 * that counts them rightly (`docs/dead-letters.md`).
 */
import type { EntityPlan, Plan } from '../define/plan.ts';
import { readerId, readerName } from '../ingest/source-identity.ts';
import type { TopicPartition } from '../log/log.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';
import { unusableFindings } from './dead-letter-findings.ts';
import { byTopic, counted, judgeDeadLetters, placeOf, type HeldBy, type Judged } from './dead-letter-verdict.ts';
import { fault, fine, type Finding } from './findings.ts';

/** What the ingest of a source partition has committed; null for nothing. */
export type CommittedBy = (
  at: TopicPartition,
) => { readonly offset: number; /** {@link readerId}s. */ readonly readers: readonly string[] } | null;

/** Of one record, for one entity that reads its topic. */
type Stage =
  /** This generation has refused it: it reads nothing twice. */
  | 'refused'
  /** This generation has still to come to it. */
  | 'waiting'
  | 'read';

export interface DeadLetterReplay {
  /** Records that a generation has still to come to. */
  readonly waiting: number;
  readonly findings: readonly Finding[];
}

/** @param letters may name a record several times: each generation that refuses it writes one. */
export function replayOf(
  plan: Plan,
  letters: readonly DeadLetter[],
  { held, committed }: { readonly held: HeldBy; readonly committed: CommittedBy },
): DeadLetterReplay {
  const judged = judgeDeadLetters(plan, letters, held);
  if (judged.length === 0) return { waiting: 0, findings: [fine('dead letters', 'none')] };
  const stageOf = stages(letters, committed);
  const findings: Finding[] = [];
  const waiting = new Set<DeadLetter>();
  for (const [topic, own] of byTopic(judged)) {
    const usable = own.filter(({ verdict }) => verdict.kind === 'usable');
    for (const entity of plan.entities.filter(({ tables }) => tables.some((table) => table.topic === topic))) {
      const at = (stage: Stage): Judged[] => usable.filter(({ letter }) => stageOf(letter, entity) === stage);
      for (const { letter } of at('waiting')) waiting.add(letter);
      findings.push(...findingsOf(topic, entity, at));
    }
    findings.push(...unusableFindings(plan, topic, own));
  }
  return { waiting: waiting.size, findings };
}

function stages(letters: readonly DeadLetter[], committed: CommittedBy): (at: DeadLetter, by: EntityPlan) => Stage {
  const refusers = new Map<string, Set<string>>();
  for (const letter of letters) {
    const known = refusers.get(placeOf(letter)) ?? new Set();
    for (const reader of letter.readers) known.add(reader);
    refusers.set(placeOf(letter), known);
  }
  return (letter, entity) => {
    if (refusers.get(placeOf(letter))!.has(readerName(entity))) return 'refused';
    const reached = committed(letter);
    const isPast = reached !== null && reached.readers.includes(readerId(entity)) && reached.offset > letter.offset;
    return isPast ? 'read' : 'waiting';
  };
}

function findingsOf(
  topic: string,
  { name, generation }: EntityPlan,
  at: (stage: Stage) => readonly Judged[],
): readonly Finding[] {
  const [refused, waiting, read] = [at('refused'), at('waiting'), at('read')];
  const generationOf = `generation ${generation} of ${name}`;
  return [
    ...(read.length === 0 ? [] : [fine(topic, `${counted(read)} were read by ${generationOf} in their places`)]),
    ...(waiting.length === 0
      ? []
      : [
          fault(
            topic,
            `${counted(waiting)} can be used, and ${generationOf} has still to come to them`,
            'deploy these definitions if no worker runs them yet (millrace status), then run this again',
          ),
        ]),
    ...(refused.length === 0
      ? []
      : [
          fault(
            topic,
            `${counted(refused)} can be used by these definitions, but ${generationOf} went on without them`,
            `raise the generation of ${name} (now ${generation}) and deploy: it reads the topic from its beginning, and them in their places`,
          ),
        ]),
  ];
}
