/** The compiled tools, from the cache. */
import { run } from '../ops/support.ts';

/** Where a tool is; compiles it when it is not there yet, which takes minutes. */
export function tool(name: 'helm' | 'helm-unittest' | 'kubeconform' | 'docker-compose'): string {
  const { ok, output } = run('deploy/ops/tools.sh', [name]);
  const path = new RegExp(`^${name}=(.*)$`, 'm').exec(output)?.[1];
  if (!ok || path === undefined) throw new Error(`deploy/ops/tools.sh ${name}:\n${output}`);
  return path;
}

/** Kubernetes' own schemas, strict: unknown fields are refused. */
export function kubeconform(files: readonly string[]): { readonly ok: boolean; readonly output: string } {
  const schemas =
    'deploy/ops/schemas/{{.NormalizedKubernetesVersion}}-standalone{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json';
  return run(tool('kubeconform'), [
    '-strict',
    '-summary',
    '-kubernetes-version',
    '1.34.0',
    '-schema-location',
    schemas,
    ...files,
  ]);
}
