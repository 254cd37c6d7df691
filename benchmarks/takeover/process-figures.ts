/** What a process has used, as Linux says it: the same for one of Node.js and one of Java. */
import { readFileSync } from 'node:fs';

/** `USER_HZ`, which is 100 wherever Linux runs. */
const ticksPerSecond = 100;

export interface ProcessFigures {
  readonly cpu_s: number;
  readonly peak_MiB: number;
}

export function figuresOf(pid: number): ProcessFigures {
  // Behind the name, which may hold anything: the state is field 3, user and system time are 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  return {
    cpu_s: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    peak_MiB: Number(peak) / 1024,
  };
}
