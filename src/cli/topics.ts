/** `millrace topics check|create|orphans`. */
import { topicFindings, orphans } from '../operate/topic-findings.ts';
import { internalTopics } from '../worker/topics.ts';
import { loadDefinitions } from './load-definitions.ts';
import { say, sayFindings, type OutputOptions } from './output.ts';
import { withLog } from './operator-log.ts';

export async function checkTopics(definitions: string, options: OutputOptions): Promise<void> {
  const plan = await loadDefinitions(definitions);
  await withLog(async (log, { applicationId }) => {
    const internal = internalTopics(applicationId, plan);
    const sources = plan.entities.flatMap((entity) =>
      entity.tables.flatMap(({ topic, heartbeatTopic }) => [topic, heartbeatTopic]),
    );
    const there = await log.describeTopics([...new Set([...sources, ...internal.map(({ name }) => name)])]);
    sayFindings(options, topicFindings(plan, internal, there));
  });
}

/** Makes what is missing of the application's own topics; what is there is left as it is. */
export async function createTopics(definitions: string, options: OutputOptions): Promise<void> {
  const plan = await loadDefinitions(definitions);
  await withLog(async (log, { applicationId }) => {
    const internal = internalTopics(applicationId, plan);
    const names = internal.map(({ name }) => name);
    const before = await log.describeTopics(names);
    await log.ensureTopics(internal);
    const created = names.filter((name) => !before.has(name));
    say(
      options,
      { created },
      created.length === 0 ? 'all were there\n' : created.map((name) => `created ${name}\n`).join(''),
    );
  });
}

export async function listOrphans(definitions: string, options: OutputOptions): Promise<void> {
  const plan = await loadDefinitions(definitions);
  await withLog(async (log, { applicationId }) => {
    const found = orphans(applicationId, internalTopics(applicationId, plan), await log.topicNames());
    const text = found.length === 0 ? 'none\n' : `${found.join('\n')}\n`;
    say(options, { orphans: found }, text);
  });
}
