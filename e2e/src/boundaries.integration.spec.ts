import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const eslint = new ESLint({ cwd: root, overrideConfigFile: 'e2e/src/boundaries.eslint.mjs' });

beforeAll(() => {
  // The boundary rule reads Nx's graph and stays silent without one.
  execFileSync('npx', ['nx', 'show', 'projects'], {
    cwd: root,
    env: { ...process.env, NX_DAEMON: 'false' },
    stdio: 'ignore',
    timeout: 60_000,
  });
}, 90_000);

async function boundaryFaults(file: string, imported: string): Promise<string[]> {
  const code = `import { thing } from '${imported}';\nexport const used = thing;\n`;
  const [result] = await eslint.lintText(code, { filePath: resolve(root, file) });
  return (result?.messages ?? []).filter((message) => message.ruleId === '@nx/enforce-module-boundaries').map((message) => message.message);
}

describe('the dependency rule', () => {
  it.each([
    ['the domain knows no framework', 'libs/tips/src/probe.ts', '@nestjs/common'],
    ['a feature knows no adapter', 'libs/chain/src/probe.ts', '@droppio/storage'],
    ['a feature knows no other feature', 'libs/relay/src/probe.ts', '@droppio/delivery'],
    ['an adapter knows no feature', 'libs/storage/src/probe.ts', '@droppio/relay'],
    ['an app knows no other app', 'apps/api/src/probe.ts', '../../listener/src/main.js'],
    ['typeorm belongs to storage', 'libs/relay/src/probe.ts', 'typeorm'],
    ['ioredis belongs to the broker', 'libs/delivery/src/probe.ts', 'ioredis'],
    ['an app has no database driver', 'apps/gateway/src/probe.ts', 'pg'],
    ['an app talks to Postgres through its room', 'apps/api/src/probe.ts', 'typeorm'],
    ['an app talks to Redis through its room', 'apps/listener/src/probe.ts', 'ioredis'],
    ['the domain knows zod and nothing else', 'libs/tips/src/probe.ts', 'express'],
    ['the protocol knows zod and nothing else', 'libs/protocol/src/probe.ts', 'rxjs'],
    ['the gateway has no database credentials, so no storage either', 'apps/gateway/src/probe.ts', '@droppio/storage'],
  ])('%s', async (_, file, imported) => {
    expect(await boundaryFaults(file, imported)).not.toEqual([]);
  });

  it.each([
    ['a feature may use the words', 'libs/chain/src/probe.ts', '@droppio/tips'],
    ['the domain may use zod', 'libs/protocol/src/probe.ts', 'zod/mini'],
    ['the owner may use its library', 'libs/broker/src/probe.ts', 'ioredis'],
    ['an app may put rooms together', 'apps/listener/src/probe.ts', '@droppio/chain'],
  ])('%s', async (_, file, imported) => {
    expect(await boundaryFaults(file, imported)).toEqual([]);
  });
});
