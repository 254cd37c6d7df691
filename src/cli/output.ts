/** What a command for operators prints. */
import { hasFault, renderFindings, type Finding } from '../operate/findings.ts';

export interface OutputOptions {
  /** For scripts: one JSON document instead of text. */
  readonly json?: boolean;
}

/** Says it, as text or as JSON. */
export function say(options: OutputOptions, value: unknown, text: string): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(value)}\n` : text);
}

/** Says them; the command fails when there is a fault. */
export function sayFindings(options: OutputOptions, findings: readonly Finding[]): void {
  say(options, findings, renderFindings(findings));
  if (hasFault(findings)) process.exitCode = 1;
}
