/** `millrace dev`: everything in one process, to try definitions. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { loadConfig } from '../config/config.ts';
import { environment } from '../config/environment.ts';
import type { Plan } from '../define/plan.ts';
import { FatalError } from '../errors.ts';
import { createLogger } from '../observability/logger.ts';
import { hash32 } from '../util/hash.ts';
import { startEmbedded, type Embedded } from './embedded.ts';
import { loadDefinitions } from './load-definitions.ts';
import { openTracer } from './tracer.ts';
import { untilStopped } from './until-stopped.ts';

/** Runs until SIGINT. @throws MillraceError when the definitions or the input have faults. */
export async function runDev(
  definitions: string,
  options: { readonly input?: string; readonly data: string },
): Promise<void> {
  const config = loadConfig(environment, 'dev');
  const plan = await loadDefinitions(definitions);
  const logger = createLogger(config.logLevel);
  const tracer = await openTracer(config, logger);
  const embedded = await startEmbedded({ plan, dataDir: options.data, http: config.http, logger, tracer });
  try {
    if (options.input !== undefined) await feed(embedded, options.input);
    process.stdout.write(usage(embedded.url, plan));
    await untilStopped(embedded.failure);
  } finally {
    await embedded.stop();
    await tracer.close();
  }
}

function usage(url: string, plan: Plan): string {
  const views = plan.entities.flatMap((entity) => {
    const key = entity.key.map((field) => `<${field.name}>`).join('/');
    return entity.views.map((view) => `  curl ${url}/features/${view.name}/${key}`);
  });
  const topics = plan.entities.flatMap((entity) =>
    entity.tables.map((table) => `  curl --data-binary @events.ndjson ${url}/topics/${table.topic}`),
  );
  return `Features:\n${views.join('\n')}\nRows in:\n${[...new Set(topics)].join('\n')}\n`;
}

async function feed(embedded: Embedded, file: string): Promise<void> {
  const producer = await embedded.log.producer({ name: 'input', failed: () => undefined });
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    number++;
    if (line.trim() === '') continue;
    const { topic, key, value } = parseLine(line, `${file}:${number}`);
    const partitions = (await embedded.log.describeTopics([topic])).get(topic)?.partitions;
    if (partitions === undefined)
      throw new FatalError('topic-missing', `${file}:${number}: the definitions read no topic "${topic}"`);
    producer.append(topic, hash32(key) % partitions, Buffer.from(key), value === null ? null : Buffer.from(value));
  }
  await embedded.settled();
}

function parseLine(line: string, place: string): { topic: string; key: string; value: string | null } {
  try {
    const { topic, key, value } = JSON.parse(line) as { topic: unknown; key: unknown; value: unknown };
    if (typeof topic !== 'string') throw new RangeError('it has no "topic"');
    const text = (part: unknown): string => (typeof part === 'string' ? part : JSON.stringify(part));
    return { topic, key: text(key ?? null), value: value === null ? null : text(value) };
  } catch (error) {
    throw new FatalError(
      'record-undecodable',
      `${place}: not a line of {"topic", "key", "value"}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
