import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const source = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** `import 'millrace'` is the source here, as for tsc and for `node --conditions=source`. */
const resolve = {
  alias: [
    { find: /^millrace$/, replacement: source('./src/index.ts') },
    { find: /^millrace\/testing$/, replacement: source('./src/testing/index.ts') },
  ],
  conditions: ['source', 'node', 'development|production'],
};

type Options = NonNullable<TestProjectInlineConfiguration['test']>;

/** The tests in `test/<name>`. */
function project(name: string, options: Options = {}): TestProjectInlineConfiguration {
  return {
    resolve,
    ssr: { resolve: { conditions: resolve.conditions, externalConditions: ['source', 'node'] } },
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      environment: 'node',
      pool: 'forks',
      execArgv: ['--conditions=source'],
      restoreMocks: true,
      unstubEnvs: true,
      ...options,
    },
  };
}

/** The project needs the servers of `make stack`. */
const needsStack = { setupFiles: [source('./test/support/stack-env.ts')] };

export default defineConfig({
  test: {
    projects: [
      // A machine that is busy takes its time; no test is judged by how long it takes.
      project('unit', { include: ['test/unit/**/*.test.ts', 'examples/**/*.test.ts'], testTimeout: 30_000 }),
      project('property', { testTimeout: 60_000 }),
      project('conformance', { testTimeout: 15_000 }),
      project('simulation', { testTimeout: 120_000 }),
      // Needs promtool: deploy/ops/tools.sh.
      project('ops', { testTimeout: 30_000 }),
      // Needs helm and others, which are compiled: make check-ops.
      project('chart', { testTimeout: 60_000 }),
      project('integration', { ...needsStack, testTimeout: 60_000, hookTimeout: 60_000 }),
      // Each file owns the whole stack while it runs.
      project('e2e', {
        ...needsStack,
        fileParallelism: false,
        maxWorkers: 1,
        testTimeout: 300_000,
        hookTimeout: 180_000,
      }),
      // Outside `make test`: what the machine does besides fires alerts, too.
      project('alerts', { ...needsStack, maxWorkers: 1, testTimeout: 300_000, hookTimeout: 180_000 }),
    ],
  },
});
