import type { ObjectStore } from '../object-store.ts';

/** The object store of one process, for simulation and tests; gone with the object. */
export class MemoryObjectStore implements ObjectStore {
  private readonly objects = new Map<string, Uint8Array>();

  create(name: string, body: Uint8Array): Promise<'created' | 'exists'> {
    if (this.objects.has(name)) return Promise.resolve('exists');
    this.objects.set(name, Uint8Array.from(body));
    return Promise.resolve('created');
  }

  read(name: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.objects.get(name) ?? null);
  }

  list(prefix: string, after = ''): Promise<readonly string[]> {
    return Promise.resolve([...this.objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort());
  }

  delete(name: string): Promise<void> {
    this.objects.delete(name);
    return Promise.resolve();
  }

  probe(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
