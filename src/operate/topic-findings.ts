/** The topics that there are, against those that the definitions need. */
import type { Plan } from '../define/plan.ts';
import type { TopicInfo, TopicSpec } from '../log/log.ts';
import { fault, fine, warning, type Finding } from './findings.ts';

/** @param internal what the application makes for itself. */
export function topicFindings(
  plan: Plan,
  internal: readonly TopicSpec[],
  there: ReadonlyMap<string, TopicInfo>,
): readonly Finding[] {
  const tables = new Map(plan.entities.flatMap((entity) => entity.tables.map((table) => [table.topic, table])));
  const sources = [...tables.values()].map(({ topic, name }) => sourceFinding(topic, name, there.get(topic)));
  const heartbeats = [...new Set([...tables.values()].map(({ heartbeatTopic }) => heartbeatTopic))].map((topic) =>
    there.has(topic)
      ? fine(`heartbeats ${topic}`, 'are there')
      : warning(
          `heartbeats ${topic}`,
          'the topic does not exist',
          'set heartbeat.interval.ms of the connector to 1000: without heartbeats quiet tables let time pass an hour late',
        ),
  );
  return [...sources, ...heartbeats, ...internal.map((spec) => internalFinding(spec, there.get(spec.name)))];
}

function sourceFinding(topic: string, table: string, found: TopicInfo | undefined): Finding {
  const what = `source topic ${topic}`;
  if (found !== undefined) return fine(what, `${found.partitions} partitions`);
  return fault(
    what,
    'does not exist',
    `let the connector capture ${table} (table.include.list, topic.prefix); the topic is made with the first row`,
  );
}

function internalFinding(spec: TopicSpec, found: TopicInfo | undefined): Finding {
  const what = `topic ${spec.name}`;
  if (found === undefined) {
    return warning(what, 'does not exist', 'millrace topics create makes it; a worker does so at its start');
  }
  if (found.partitions !== spec.partitions) {
    return fault(
      what,
      `has ${found.partitions} partitions, the definition says ${spec.partitions}`,
      'raise the generation of the entity, or set its partitions back',
    );
  }
  return fine(what, `${found.partitions} partitions`);
}

/** Topics of this application that none of its definitions uses: of entities that are gone, or of earlier generations. */
export function orphans(application: string, internal: readonly TopicSpec[], names: readonly string[]): string[] {
  const used = new Set(internal.map(({ name }) => name));
  const pattern = /^[^.]+\.g\d+\.(entity-log|changelog|feature-log)$/;
  return names
    .filter((name) => name.startsWith(`${application}.`) && pattern.test(name.slice(application.length + 1)))
    .filter((name) => !used.has(name))
    .sort();
}
