/**
 * What a process holds on to, found by walking from an object through all fields, maps, sets and arrays: a list that only ever grows shows
 * under its own name, whoever forgot to shorten it. Closures and promises cannot be looked into.
 */
type Class = abstract new (...args: never[]) => object;

export interface Held {
  /** Entries of collections, by the class and the field that they hang on. */
  readonly entries: ReadonlyMap<string, number>;
  /** Objects of a class that were met. */
  of<T extends object>(type: abstract new (...args: never[]) => T): readonly T[];
}

interface Found {
  readonly object: object;
  readonly label: string;
}

/** @param outside what belongs to others: neither counted nor entered; objects, and classes of them. */
export function heldBy(roots: readonly object[], outside: readonly object[], others: readonly Class[]): Held {
  const seen = new Set<object>(outside);
  const entries = new Map<string, number>();
  const waiting: Found[] = roots.map((object) => ({ object, label: '' }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { object } = next;
    if (seen.has(object) || others.some((type) => object instanceof type)) continue;
    seen.add(object);
    for (const { object: child, label } of insideOf(next, entries)) waiting.push({ object: child, label });
  }
  return {
    entries,
    of: <T extends object>(type: abstract new (...args: never[]) => T) =>
      [...seen].filter((each): each is T => each instanceof type && !outside.includes(each)),
  };
}

function* insideOf({ object, label }: Found, entries: Map<string, number>): Iterable<Found> {
  if (ArrayBuffer.isView(object)) return;
  const isList = object instanceof Map || object instanceof Set || Array.isArray(object);
  if (isList) {
    const count = Array.isArray(object) ? object.length : object.size;
    if (count > 0) entries.set(label, (entries.get(label) ?? 0) + count);
    for (const item of object as Iterable<unknown>) {
      for (const each of object instanceof Map ? (item as unknown[]) : [item])
        if (isObject(each)) yield { object: each, label };
    }
    return;
  }
  const name = classOf(object);
  for (const key of Reflect.ownKeys(object)) {
    const value: unknown = Object.getOwnPropertyDescriptor(object, key)?.value;
    if (isObject(value)) yield { object: value, label: `${name ?? label}.${String(key)}` };
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Null for plain objects: they count as part of what they hang on. */
function classOf(object: object): string | null {
  const name = (Object.getPrototypeOf(object) as { constructor?: { name: string } } | null)?.constructor?.name;
  return name === undefined || name === 'Object' ? null : name;
}
