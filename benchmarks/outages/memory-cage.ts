/** A hard limit of a process's memory: past it the kernel ends the process, as it does in a container. Linux, as root. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Files {
  readonly folder: string;
  readonly limit: string;
  /** The most that was used, page cache included. */
  readonly peak: string;
}

const first = { folder: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' };
const second = { folder: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak' };

export class MemoryCage {
  private readonly files: Files;
  private readonly own: string;

  /** @throws Error where control groups cannot be made: not on Linux, or not as root. */
  constructor(name: string, limit_bytes: number) {
    this.files = existsSync(first.folder) ? first : second;
    this.own = join(this.files.folder, name);
    mkdirSync(this.own);
    writeFileSync(join(this.own, this.files.limit), String(limit_bytes));
  }

  /** To be called before the process has taken much. */
  hold(pid: number): void {
    writeFileSync(join(this.own, 'cgroup.procs'), String(pid));
  }

  get peak_bytes(): number {
    return Number(readFileSync(join(this.own, this.files.peak), 'utf8'));
  }

  /** Once no process is in it. */
  remove(): void {
    rmdirSync(this.own);
  }
}
