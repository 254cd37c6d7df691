/** What a look at a running system has found, for people and for scripts. */
export interface Finding {
  /** What was looked at. */
  readonly what: string;
  /** A fault must be mended before a worker can be right; a warning may be meant. */
  readonly level: 'ok' | 'warning' | 'fault';
  readonly says: string;
  /** What to do about it. */
  readonly fix?: string;
}

export const fine = (what: string, says: string): Finding => ({ what, level: 'ok', says });
export const warning = (what: string, says: string, fix: string): Finding => ({ what, level: 'warning', says, fix });
export const fault = (what: string, says: string, fix: string): Finding => ({ what, level: 'fault', says, fix });

/** One line each, and what to do below it. */
export function renderFindings(findings: readonly Finding[]): string {
  const lines = findings.map(({ what, level, says, fix }) => {
    const line = `${level.padEnd(7)}  ${what}: ${says}`;
    return fix === undefined ? line : `${line}\n         → ${fix}`;
  });
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  return `${lines.join('\n')}\n\n${count('ok')} ok, ${count('warning')} warnings, ${count('fault')} faults\n`;
}

export const hasFault = (findings: readonly Finding[]): boolean => findings.some(({ level }) => level === 'fault');
