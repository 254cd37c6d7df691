/** Reads what a worker says at `/metrics`: Prometheus' text format, as far as prom-client writes it. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const label = /(\w+)="((?:[^"\\]|\\.)*)",?/g;
const escapes: Readonly<Record<string, string>> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

export function parseExposition(text: string): readonly Sample[] {
  return text.split('\n').flatMap((each) => {
    const match = each.startsWith('#') ? null : line.exec(each);
    if (match === null) return [];
    const [, name, labels = '', value] = match;
    const pairs = [...labels.matchAll(label)].map(([, key, escaped]): [string, string] => [
      key!,
      escaped!.replaceAll(/\\[n"\\]/g, (escape) => escapes[escape]!),
    ]);
    return [{ name: name!, labels: Object.fromEntries(pairs), value: numberOf(value!) }];
  });
}

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}
