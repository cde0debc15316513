import { defineConfig } from 'vitest/config';

const shared = {
  // Nest's injection reads the metadata of TypeScript's legacy decorators.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  // Tests run from the libs' sources; 'import' must stay out of this list (it would pick browser builds of CommonJS packages).
  ssr: { resolve: { conditions: ['@droppio/source', 'module', 'node', 'development|production'] } },
} as const;

// The suffix of a test file decides where it runs: plain specs touch no network; integration specs and stories get real services, those of k8s/
// the real kubectl.
export default defineConfig({
  test: {
    reporters: process.env['CI'] === undefined ? ['default'] : ['default', ['json', { outputFile: 'test-results/report.json' }]],
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['{apps,libs,e2e,load}/**/*.spec.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.{integration,e2e,kubernetes}.spec.ts'],
          pool: 'threads',
          env: { TZ: 'UTC' },
        },
      },
      {
        ...shared,
        test: {
          name: 'kubernetes',
          include: ['e2e/**/*.kubernetes.spec.ts'],
          pool: 'threads',
          // They only read, and most of their time is loading the apps' schemas: once is enough.
          isolate: false,
          env: { TZ: 'UTC' },
          globalSetup: ['e2e/src/services/kubernetes/setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          include: ['{apps,libs,e2e,load}/**/*.integration.spec.ts'],
          pool: 'forks',
          env: { TZ: 'UTC' },
          globalSetup: ['e2e/src/services/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.spec.ts'],
          pool: 'forks',
          // Stories start whole fleets of processes: one at a time.
          fileParallelism: false,
          env: { TZ: 'UTC' },
          globalSetup: ['e2e/src/services/global-setup.ts', 'e2e/src/services/build.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
