import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Files at once. Vitest's own number on two cores is one, and most files wait for services more than they compute. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

/** One house each, and mostly waiting for what a viewer would wait for: these run beside others. */
const STORIES = ['a-tip-reaches-the-overlay', 'backfill', 'overlay-kills', 'own-image-and-sound', 'widgets'].map(
  (name) => `e2e/src/${name}.e2e.spec.ts`,
);

const shared = {
  // Nest's injection reads the metadata of TypeScript's legacy decorators.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  // Tests run from the libs' sources; 'import' and 'module' must stay out of this list (they would pick builds that Node itself never loads).
  ssr: { resolve: { conditions: ['@droppio/source', 'node', 'development|production'] } },
} as const;

/** What is asked for over and over may come late on a busy machine (vitest would wait for a second); who asks says so where it must come sooner. */
const expectOfServices = { poll: { timeout: 10_000, interval: 20 } };

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
          maxWorkers,
          // Most of a file's time would be loading the same modules once more; none of these files changes what another sees.
          isolate: false,
          env: { TZ: 'UTC' },
        },
      },
      {
        ...shared,
        test: {
          name: 'kubernetes',
          include: ['e2e/**/*.kubernetes.spec.ts'],
          pool: 'threads',
          maxWorkers,
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
          maxWorkers,
          env: { TZ: 'UTC' },
          globalSetup: ['e2e/src/services/global-setup.ts'],
          expect: expectOfServices,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'stories',
          include: STORIES,
          pool: 'forks',
          maxWorkers,
          env: { TZ: 'UTC' },
          globalSetup: ['e2e/src/services/global-setup.ts', 'e2e/src/services/build.ts'],
          expect: expectOfServices,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.spec.ts'],
          exclude: ['**/node_modules/**', ...STORIES],
          pool: 'forks',
          // These start whole fleets of processes: one at a time.
          fileParallelism: false,
          env: { TZ: 'UTC' },
          globalSetup: ['e2e/src/services/global-setup.ts', 'e2e/src/services/build.ts'],
          expect: expectOfServices,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
