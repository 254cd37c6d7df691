/** The settings of a Debezium connector, against what the definitions say of it. docs/connector.md says why. */
import type { Plan, TablePlan } from '../define/plan.ts';
import { fault, fine, warning, type Finding } from './findings.ts';

export interface ConnectorState {
  readonly config: Readonly<Record<string, string>>;
  /** Of the connector and its tasks: RUNNING, FAILED, PAUSED … */
  readonly states: readonly string[];
  /** First line of what a failed task says. */
  readonly trace: string | null;
}

/** The connector's defaults, where they matter. */
const defaults: Readonly<Record<string, string>> = {
  'decimal.handling.mode': 'precise',
  'time.precision.mode': 'adaptive',
  'skipped.operations': 't',
  'heartbeat.interval.ms': '0',
  'poll.interval.ms': '500',
};

export function connectorFindings(name: string, plan: Plan, { config, states, trace }: ConnectorState): Finding[] {
  const what = `connector ${name}`;
  const setting = (key: string): string => config[key] ?? defaults[key] ?? '';
  const prefix = setting('topic.prefix');
  const tables = plan.entities.flatMap((entity) => entity.tables).filter(({ topic }) => topic.startsWith(`${prefix}.`));
  const findings = [
    states.every((state) => state === 'RUNNING')
      ? fine(what, 'runs')
      : fault(
          what,
          `is ${states.join(', ')}${trace === null ? '' : `: ${trace}`}`,
          'repair the cause, then restart its task',
        ),
  ];
  if (tables.length === 0) {
    findings.push(
      fault(
        what,
        `its topic.prefix is "${prefix}", of which no table is defined`,
        'debezium({ prefix }) must be the same',
      ),
    );
  }
  for (const [key, wanted] of expected(tables)) {
    // For timestamps the two adaptive modes are the same.
    const found = setting(key).replace('adaptive_time_microseconds', 'adaptive');
    if (found === wanted) findings.push(fine(`${what}, ${key}`, found));
    else {
      findings.push(
        fault(
          `${what}, ${key}`,
          `is ${found}, the definitions say ${wanted}`,
          `set ${key} to ${wanted}, or say ${found} in debezium()`,
        ),
      );
    }
  }
  return [...findings, ...shapes(what, setting), ...latencies(what, setting)];
}

function expected(tables: readonly TablePlan[]): Map<string, string> {
  const wanted = new Map<string, string>();
  for (const { encoding } of tables) {
    wanted.set('decimal.handling.mode', encoding.decimals);
    wanted.set('time.precision.mode', encoding.times);
  }
  return wanted;
}

/** What would change the messages themselves. */
function shapes(what: string, setting: (key: string) => string): Finding[] {
  const findings: Finding[] = [];
  if (setting('transforms') !== '')
    findings.push(
      warning(
        `${what}, transforms`,
        `are ${setting('transforms')}`,
        'envelopes must come unchanged: ExtractNewRecordState and its like must go',
      ),
    );
  if (setting('message.key.columns') !== '')
    findings.push(
      fault(
        `${what}, message.key.columns`,
        'is set',
        'leave it out: all changes of a row must come in one partition, in order',
      ),
    );
  if (setting('skipped.operations') !== 'none')
    findings.push(
      warning(
        `${what}, skipped.operations`,
        `is ${setting('skipped.operations')}`,
        'set it to none: otherwise a TRUNCATE passes in silence',
      ),
    );
  return findings;
}

function latencies(what: string, setting: (key: string) => string): Finding[] {
  const findings: Finding[] = [];
  if (setting('heartbeat.interval.ms') === '0')
    findings.push(
      warning(
        `${what}, heartbeat.interval.ms`,
        'is not set',
        'set it to 1000: it lets time pass while tables are quiet, and the slot advance',
      ),
    );
  if (Number(setting('poll.interval.ms')) > 50)
    findings.push(
      warning(
        `${what}, poll.interval.ms`,
        `is ${setting('poll.interval.ms')}`,
        'set it to 1: it stands between a commit and its feature',
      ),
    );
  return findings;
}
