// The architecture, as import rules (design, "Folders"). Each rule says what to do instead; a new folder or npm client
// is one line in the tables below.

/** Pure folder → the folders it may import besides itself. Downward only. */
const pureFolders = {
  define: [],
  cdc: ['define'],
  frames: ['define'],
  ingest: ['cdc', 'frames', 'define'],
  entity: ['frames', 'define'],
};

/** npm package(s), as the beginning of a path under node_modules → the one folder of src that may import them. */
const clients = {
  '@confluentinc/kafka-javascript': 'src/log/kafka',
  'ioredis/': 'src/online/redis',
  '@(aws-sdk|smithy)/': 'src/offline/s3',
  hyparquet: 'src/offline',
  '[^.]*rocks': 'src/state/rocksdb',
  '(prom-client|pino)/': 'src/observability',
  '@opentelemetry/': 'src/observability/opentelemetry',
  'zod/': 'src/config',
  'pg/': 'src/operate/postgres',
  '(commander|tsx)/': 'src/cli',
};

/** Implementations of ports. Chosen in src/cli; the test kit may use them too. */
const adapters =
  '^src/(log/(kafka|memory)|state/(rocksdb|memory)|online/(redis|memory)|offline/(s3|filesystem|memory)|observability/opentelemetry)(/|[.]ts$)';

/** What every folder of src may import. */
const helpers = '^src/((errors|types)[.]ts$|util/)';

/** Node builtins without I/O, clock or randomness (node:crypto: eslint allows hashes only). */
const pureBuiltins = '^(node:)?(assert(/strict)?|buffer|crypto|util)$';

const pureRules = Object.entries(pureFolders).flatMap(([folder, below]) => [
  {
    name: `pure-${folder}-downward`,
    comment: `src/${folder} is pure: it may import ${['errors', 'util', ...below].join(', ')} and nothing else of src.`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { path: '^src/', pathNot: [helpers, `^src/(${[folder, ...below].join('|')})/`] },
  },
  {
    name: `pure-${folder}-no-npm`,
    comment: `src/${folder} is pure: it imports no npm package.`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { path: 'node_modules/' },
  },
  {
    name: `pure-${folder}-no-io`,
    comment: `src/${folder} is pure: no node builtin that does I/O. Take what you need as a parameter.`,
    severity: 'error',
    from: { path: `^src/${folder}/` },
    to: { dependencyTypes: ['core'], pathNot: pureBuiltins },
  },
]);

const clientRules = Object.entries(clients).map(([pattern, folder]) => ({
  name: `client-only-in-${folder.slice(4).replaceAll('/', '-')}`,
  comment: `Only ${folder} imports ${pattern}: go through what that folder exports.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^${folder}/` },
  to: { path: `^node_modules/${pattern}` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'Move what both need into a third file (type-only imports count too).',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'The import does not resolve, or the package is missing from package.json.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'Declare the package in package.json: it is here only because something else needs it.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'src-no-dev-dependency',
      comment: 'Shipped code runs without devDependencies.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-stands-alone',
      comment: 'src imports nothing from test, demo, benchmarks, examples or deploy.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|demo|benchmarks|examples|deploy)/' },
    },
    {
      name: 'src-no-testing',
      comment: 'Shipping code never imports the test kit.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/testing/' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'helpers-at-the-bottom',
      comment: 'src/errors.ts and src/util are used by everyone, so they import nobody.',
      severity: 'error',
      from: { path: helpers },
      to: { path: ['^src/', 'node_modules/'], pathNot: helpers },
    },
    {
      name: 'adapters-chosen-in-cli',
      comment: 'Import the port; src/cli chooses the adapter and passes it in.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(cli|testing)/', adapters] },
      to: { path: adapters },
    },
    {
      name: 'adapters-apart',
      comment: 'An adapter does not use another adapter: move what they share beside the port.',
      severity: 'error',
      from: { path: '^src/(log|state|online|offline)/(kafka|memory|rocksdb|redis|s3|filesystem)(/|[.]ts$)' },
      to: { path: adapters, pathNot: '^src/$1/$2(/|[.]ts$)' },
    },
    {
      name: 'cli-is-the-root',
      comment: 'src/cli is the composition root: nobody imports it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'timers-only-in-time',
      comment: 'src/time is the only clock and timers.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/time/' },
      to: { path: '^(node:)?timers(/promises)?$' },
    },
    {
      name: 'oracle-no-engine',
      comment: 'An oracle that uses the engine, even through another file, proves nothing.',
      severity: 'error',
      from: { path: '^(test/oracle/|demo/oracle)' },
      to: { path: '^src/', reachable: true },
    },
    {
      name: 'simulation-oracle-no-engine',
      comment: 'The oracle of the simulator reads the simulated world only.',
      severity: 'error',
      from: { path: '^src/testing/simulation/naive-oracle' },
      to: { path: '^src/(?!testing/simulation/)', reachable: true },
    },
    ...pureRules,
    ...clientRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|test/types/rejected)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
      mainFields: ['module', 'main', 'types', 'typings'],
    },
  },
};
