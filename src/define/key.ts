/**
 * An entity key as text: its parts percent-encoded and joined with ':'. One text names the key everywhere: it is hashed for
 * routing, indexes the state, fills the online key's template and is read back into typed columns for Parquet.
 */
import type { KeyKind } from './entity.ts';
import type { Value } from './column.ts';

export interface KeyField {
  readonly name: string;
  readonly kind: KeyKind;
}

const plain = /^[A-Za-z0-9_.~-]*$/;

/** Null when a part is null: such a row belongs to no key. */
export function keyOf(row: readonly Value[], columns: readonly number[]): string | null {
  let key = '';
  for (let i = 0; i < columns.length; i++) {
    const part = row[columns[i]!] ?? null;
    if (part === null) return null;
    const text = String(part);
    key += (i === 0 ? '' : ':') + (plain.test(text) ? text : encodeURIComponent(text));
  }
  return key;
}

/** The typed parts of a key's text. */
export function parseKey(key: string, fields: readonly KeyField[]): Value[] {
  const parts = key.split(':');
  return fields.map((field, i) => {
    const text = decodeURIComponent(parts[i]!);
    if (field.kind === 'int64') return BigInt(text);
    return field.kind === 'int32' ? Number(text) : text;
  });
}

/** A template such as `user_features:{user_id}`, ready to be filled. */
export interface KeyTemplate {
  readonly literals: readonly string[];
  /** Which key part stands behind each literal but the last. */
  readonly parts: readonly number[];
}

/** @throws RangeError when a placeholder names no key field, or a key field has no placeholder. */
export function parseTemplate(template: string, fields: readonly KeyField[]): KeyTemplate {
  const pieces = template.split(/\{([^{}]*)\}/);
  const literals = pieces.filter((_, i) => i % 2 === 0);
  const names = pieces.filter((_, i) => i % 2 === 1);
  const parts = names.map((name) => fields.findIndex((field) => field.name === name));
  const unknown = names.find((_, i) => parts[i] === -1);
  if (unknown !== undefined) throw new RangeError(`{${unknown}} is not a field of the entity key`);
  const missing = fields.find((_, i) => !parts.includes(i));
  if (missing !== undefined) throw new RangeError(`the key field {${missing.name}} does not occur in "${template}"`);
  if (literals.slice(1, -1).includes('')) {
    throw new RangeError(
      `"${template}" has fields side by side; put a character between them, or different keys become one`,
    );
  }
  return { literals, parts };
}

/** @example renderKey(parseTemplate('user_features:{user_id}', fields), '42') // 'user_features:42' */
export function renderKey(template: KeyTemplate, key: string): string {
  const values = key.split(':');
  let rendered = template.literals[0]!;
  template.parts.forEach((part, i) => (rendered += values[part]! + template.literals[i + 1]!));
  return rendered;
}
