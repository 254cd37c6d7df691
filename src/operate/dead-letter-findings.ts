/** What a new generation of these definitions would make of the dead letters: it reads the source topics from their beginning. */
import type { Plan } from '../define/plan.ts';
import type { DeadLetter } from '../worker/dead-letters.ts';
import { byTopic, counted, judgeDeadLetters, type HeldBy, type Judged, type Verdict } from './dead-letter-verdict.ts';
import { fault, fine, warning, type Finding } from './findings.ts';

/** @param letters may name a record several times. */
export function deadLetterFindings(plan: Plan, letters: readonly DeadLetter[], held: HeldBy): readonly Finding[] {
  const judged = judgeDeadLetters(plan, letters, held);
  if (judged.length === 0) return [fine('dead letters', 'none')];
  return byTopic(judged).flatMap(([topic, own]) => [
    ...usableFindings(plan, topic, own),
    ...unusableFindings(plan, topic, own),
  ]);
}

function usableFindings(plan: Plan, topic: string, judged: readonly Judged[]): readonly Finding[] {
  const usable = judged.filter(({ verdict }) => verdict.kind === 'usable');
  if (usable.length === 0) return [];
  return [
    warning(
      topic,
      `${counted(usable)} can be used by these definitions, and are still in the topic`,
      `raise the generation of ${readersOf(plan, topic)}: it reads the topic from its beginning, and them in their places`,
    ),
  ];
}

/** Of those that no generation of these definitions would count. */
export function unusableFindings(plan: Plan, topic: string, judged: readonly Judged[]): readonly Finding[] {
  const of = (kind: Verdict['kind']): typeof judged => judged.filter(({ verdict }) => verdict.kind === kind);
  const findings: Finding[] = [];
  const [unread, gone] = [of('unread'), of('gone')];
  if (unread.length > 0) findings.push(fine(topic, `${counted(unread)} which no definition reads any more`));
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
        `let a connector make a snapshot into new topics, then raise the generation of ${readersOf(plan, topic)}`,
      ),
    );
  return findings;
}

const readersOf = (plan: Plan, topic: string): string =>
  plan.entities
    .filter((entity) => entity.tables.some((table) => table.topic === topic))
    .map(({ name, generation }) => `${name} (now ${generation})`)
    .join(', ');

function groupedByCode(judged: readonly Judged[]): ReadonlyMap<string, readonly Judged[]> {
  const groups = new Map<string, Judged[]>();
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
