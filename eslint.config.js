// The rules a linter keeps. Type-checked for every TypeScript file; the bans on clocks, timers and the
// environment hold inside src only, where `src/time` and `src/config` are the two places allowed to have them.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const pureFolders = ['src/define/**', 'src/cdc/**', 'src/frames/**', 'src/ingest/**', 'src/entity/**'];

const timers = ['setTimeout', 'setInterval', 'setImmediate'];
const useTime = 'Clock and timers live in src/time only: take them as a parameter.';
const useConfig = 'The environment is read in src/config only.';

const globalObjects = ['globalThis', 'global'];
const clockProperties = [
  { object: 'Date', property: 'now', message: useTime },
  { object: 'performance', property: 'now', message: useTime },
  { object: 'performance', property: 'timeOrigin', message: useTime },
  { object: 'process', property: 'hrtime', message: useTime },
  ...globalObjects.flatMap((object) =>
    [...timers, 'performance'].map((property) => ({ object, property, message: useTime })),
  ),
];
const environmentProperties = [{ object: 'process', property: 'env', message: useConfig }];
const clockGlobals = timers.map((name) => ({ name, message: useTime }));
const clockSyntax = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: useTime },
  { selector: "CallExpression[callee.name='Date']", message: useTime },
];
const builtin = (name, importNames, message) => [name, `node:${name}`].map((n) => ({ name: n, importNames, message }));
const clockImports = builtin('perf_hooks', ['performance'], useTime);
const environmentImports = builtin('process', ['env'], useConfig);

const withoutClock = {
  'no-restricted-properties': ['error', ...clockProperties, ...environmentProperties],
  'no-restricted-globals': ['error', ...clockGlobals],
  'no-restricted-syntax': ['error', ...clockSyntax],
  'no-restricted-imports': ['error', { paths: [...clockImports, ...environmentImports] }],
};

export default defineConfig(
  {
    name: 'millrace/ignores',
    ignores: [
      '**/node_modules/',
      '**/dist/',
      'dist-docs/',
      '**/coverage/',
      '.stack/',
      '.demo/',
      'test/types/rejected/',
    ],
  },
  { name: 'millrace/linter', linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    name: 'millrace/javascript',
    files: ['**/*.{js,mjs,cjs}'],
    extends: [js.configs.recommended],
    languageOptions: {
      globals: Object.fromEntries(
        ['Buffer', 'URL', 'clearTimeout', 'console', 'fetch', 'performance', 'process', ...timers].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
  {
    name: 'millrace/commonjs',
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { module: 'writable', require: 'readonly', __dirname: 'readonly' },
    },
  },

  {
    name: 'millrace/typescript',
    files: ['**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'max-lines': ['warn', { max: 400, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          caughtErrorsIgnorePattern: '^_',
          destructuredArrayIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
      // With noUncheckedIndexedAccess, `array[i]!` after a bounds check is the honest form in a hot loop.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },

  {
    name: 'millrace/src',
    files: ['src/**/*.ts'],
    rules: {
      ...withoutClock,
      'no-console': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true, IIFEs: true }],
    },
  },
  {
    name: 'millrace/src: pure folders have no clock, randomness or I/O (invariant I1)',
    files: pureFolders.map((folder) => `${folder}/*.ts`),
    rules: {
      'no-restricted-properties': [
        'error',
        ...clockProperties,
        ...environmentProperties,
        { object: 'Math', property: 'random', message: 'Engine code is deterministic (I1).' },
      ],
      'no-restricted-globals': [
        'error',
        ...clockGlobals,
        ...['console', 'crypto', 'fetch', 'performance', 'process'].map((name) => ({
          name,
          message: 'Engine code has no clock, randomness or I/O (I1).',
        })),
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:crypto',
              allowImportNames: ['createHash', 'hash'],
              message: 'Engine code is deterministic (I1): hashes only.',
            },
          ],
        },
      ],
    },
  },
  {
    name: 'millrace/src/time: the only clock and timers',
    files: ['src/time/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', ...environmentProperties],
      'no-restricted-globals': 'off',
      'no-restricted-syntax': 'off',
      'no-restricted-imports': ['error', { paths: environmentImports }],
    },
  },
  {
    name: 'millrace/src/config: the only reader of the environment',
    files: ['src/config/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', ...clockProperties],
      'no-restricted-imports': ['error', { paths: clockImports }],
    },
  },
  { name: 'millrace/src/cli: prints', files: ['src/cli/**/*.ts'], rules: { 'no-console': 'off' } },

  {
    name: 'millrace/examples: show the product, not the environment',
    files: ['examples/**/*.ts'],
    ignores: ['examples/**/*.test.ts'],
    rules: { 'no-restricted-properties': ['error', ...environmentProperties] },
  },
  {
    name: 'millrace/test',
    files: ['test/**/*.ts', 'examples/**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    name: 'millrace/test/types: lines that must be refused by the compiler',
    files: ['test/types/**/*.ts'],
    rules: {
      '@typescript-eslint/ban-ts-comment': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-unused-vars': 'off',
    },
  },
);
