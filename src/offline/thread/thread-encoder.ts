import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { FatalError, MillraceError, messageOf } from '../../errors.ts';
import type { EncodeRequest, ParquetEncoder } from '../parquet-encoder.ts';
import { questionOf, type Answer } from './messages.ts';

interface Waiting {
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** Makes files in a thread of its own, one after another. It ends with {@link ParquetEncoder.close}. */
export function createThreadEncoder(): ParquetEncoder {
  return new ThreadEncoder();
}

class ThreadEncoder implements ParquetEncoder {
  private readonly thread: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private calls = 0;
  private lost: Error | null = null;

  constructor() {
    this.thread = startThread();
    this.thread.on('message', (answer: Answer) => {
      this.answered(answer);
    });
    this.thread.on('error', (error) => {
      this.end(`it failed: ${messageOf(error)}`);
    });
    this.thread.on('exit', (code) => {
      this.end(`it ended with ${code}`);
    });
    // Behind the listeners, which would keep the process alive.
    this.thread.unref();
  }

  encode(request: EncodeRequest): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.lost !== null) {
        reject(this.lost);
        return;
      }
      const question = questionOf(this.calls++, request);
      this.waiting.set(question.id, { resolve, reject });
      this.thread.ref();
      this.thread.postMessage(question, [question.bytes.buffer as ArrayBuffer, question.ends.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    this.end('it was closed');
    await this.thread.terminate();
  }

  private answered(answer: Answer): void {
    const { resolve, reject } = this.waiting.get(answer.id)!;
    this.waiting.delete(answer.id);
    // Whoever asks for nothing is not kept alive.
    if (this.waiting.size === 0) this.thread.unref();
    if (answer.kind === 'file') resolve(answer.bytes);
    else if (answer.code === null) reject(new Error(answer.message));
    else reject(new MillraceError(answer.code, answer.message));
  }

  private end(why: string): void {
    this.lost ??= new FatalError('encoder-lost', `the thread that makes Parquet files: ${why}; restart this worker`);
    for (const { reject } of this.waiting.values()) reject(this.lost);
    this.waiting.clear();
  }
}

function startThread(): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./parquet-thread.js', import.meta.url));
  // In development the sources run as they are; Node.js 20 starts no thread from one by itself.
  const folder = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const tsx = new URL('./dist/esm/api/index.mjs', folder).href;
  const script = new URL('./parquet-thread.ts', import.meta.url).href;
  const start = `import('${tsx}').then(({ tsImport }) => tsImport('${script}', '${script}'))`;
  return new Worker(start, { eval: true, execArgv: [] });
}
