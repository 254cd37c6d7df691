/** The rules as they are checked in. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { filesIn, root } from './support.ts';

export interface Rule {
  readonly file: string;
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Omit<Rule, 'file'>[] }[];
}

export const ruleFiles = filesIn('deploy/prometheus/rules', '.yaml');

export const rules: readonly Rule[] = ruleFiles.flatMap((file) =>
  (parse(readFileSync(root + file, 'utf8')) as RuleFile).groups.flatMap((group) =>
    group.rules.map((rule) => ({ ...rule, file })),
  ),
);
