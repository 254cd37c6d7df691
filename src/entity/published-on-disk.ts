/** The values that were given out for keys that are on disk only, read from a task's entries in the order of their keys. */
import type { EntityTask, Emission } from './entity-task.ts';
import type { StoredKey } from './key-table.ts';
import { withEntry, type StateChange } from './state-entry.ts';

/** A key whose chunks may still come. */
interface Reading extends StoredKey {
  readonly view: number;
  readonly key: string;
}

export class PublishedOnDisk {
  private readonly task: EntityTask;
  private reading: Reading | null = null;

  constructor(task: EntityTask) {
    this.task = task;
  }

  /** @returns the value of the key before, once all of it is read. @throws MillraceError `state-unreadable` */
  take(entry: StateChange): Emission | null {
    let emission: Emission | null = null;
    withEntry(this.task.entity.name, entry, ({ view, key, chunk }, value) => {
      if (chunk !== null) {
        const { reading } = this;
        if (reading?.key === key && reading.view === view)
          reading.state?.series[chunk.series]?.readChunk(chunk.chunk, value);
        return;
      }
      emission = this.end();
      const { keys } = this.task.viewAt(view);
      // Given out already; but where keys leave memory and come back one may have been away just then.
      if (keys.isInMemory(key) && keys.wasAlwaysComplete) return;
      this.reading = { view, key, ...keys.read(value) };
    });
    return emission;
  }

  /** The value of the last key. */
  end(): Emission | null {
    const { reading } = this;
    this.reading = null;
    if (reading === null || reading.published.position < 0) return null;
    const { view: index, key, state, published } = reading;
    const view = this.task.viewAt(index);
    // It may have come into memory since the entries were read, and then its newest value is there.
    const value = view.keys.isInMemory(key) ? view.published(key) : view.valueOf(state, published);
    return value.position < 0 ? null : { view: view.plan, key, cause: null, ...value };
  }
}
