/** Lets rows in by HTTP where no connector is: `millrace dev`. */
import type { Plan, TablePlan } from '../define/plan.ts';
import type { Log, LogProducer } from '../log/log.ts';
import { json, type HttpRoute } from '../observability/http-server.ts';
import { hash32 } from '../util/hash.ts';

/**
 * `POST /topics/<source topic>` with one Debezium envelope a line, or `{"key": …, "value": <envelope or null>}`.
 * @example curl --data-binary @events.ndjson http://127.0.0.1:8080/topics/dbserver.public.transactions
 */
export async function sourceRoute(log: Log, producer: LogProducer, plan: Plan): Promise<HttpRoute> {
  const tables = new Map(plan.entities.flatMap((entity) => entity.tables.map((table) => [table.topic, table])));
  const topics = await log.describeTopics([...tables.keys()]);
  return {
    method: 'POST',
    path: '/topics/',
    handle({ path, body }) {
      const topic = topics.get(path.slice('/topics/'.length));
      if (topic === undefined) return json(404, { error: 'no such source topic', topics: [...tables.keys()] });
      const messages = body
        .split('\n')
        .flatMap((line) => (line.trim() === '' ? [] : [parseMessage(line, tables.get(topic.name)!)]));
      for (const { key, value } of messages) {
        producer.append(
          topic.name,
          hash32(key) % topic.partitions,
          Buffer.from(key),
          value === null ? null : Buffer.from(value),
        );
      }
      return json(202, { appended: messages.length });
    },
  };
}

/** The text of a bare envelope is passed on untouched: its 64-bit numbers must not go through a double. */
function parseMessage(line: string, table: TablePlan): { key: string; value: string | null } {
  const parsed = JSON.parse(line) as { key?: unknown; value?: unknown; after?: Fields | null; before?: Fields | null };
  if (!('value' in parsed)) return { key: primaryKeyOf(table, parsed.after ?? parsed.before ?? {}), value: line };
  const text = (part: unknown): string => (typeof part === 'string' ? part : JSON.stringify(part));
  return { key: text(parsed.key ?? null), value: parsed.value === null ? null : text(parsed.value) };
}

type Fields = Readonly<Record<string, unknown>>;

/** As the connector writes it: all changes of a row go to one partition. */
function primaryKeyOf(table: TablePlan, fields: Fields): string {
  const names = table.primaryKey.map((index) => table.columns[index]!.name);
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, fields[name]])));
}
