import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from './container.js';
import type { Image } from './image.js';

const READY_MS = 60_000;

/** Resolves when the app says that it is ready; rejects when it ends before. */
export async function untilReady({ child }: Container, internalPort: string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const isReady = await fetch(`http://127.0.0.1:${internalPort}/health/ready`, { signal: AbortSignal.timeout(2000) }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    if (child.process.exitCode !== null || Date.now() > deadline) throw new Error(`It is not ready:\n${child.output().slice(-4000)}`);
    await sleep(100);
  }
}

/** What the orchestrator's settings are for, seen from inside. */
export async function checkConfinement(container: Container, image: Image): Promise<void> {
  const status = await statusOf(container);
  assert.equal(await ask(container, 'readFileSync("/proc/1/cmdline", "utf8").split("\\0")[0]'), 'node');
  const uid = String(image.uid);
  assert.deepEqual(status.get('Uid')?.split(/\s+/), [uid, uid, uid, uid]);
  assert.equal(status.get('CapEff'), '0000000000000000');
  assert.equal(status.get('NoNewPrivs'), '1');
  const main = `${image.folder}/dist/main.js`;
  const tried = `["/x", "/app/x", "/usr/local/bin/node", ${JSON.stringify(main)}, "/tmp/x"].map((file) => { try { fs.writeFileSync(file, ""); return "written"; } catch (error) { return error.code; } }).join()`;
  assert.match(await ask(container, tried), /^((EROFS|EACCES),){4}written$/);
  await container.inside(...image.healthCheck);
}

export async function residentMebibytes(container: Container): Promise<number> {
  return Math.round(Number((await statusOf(container)).get('VmRSS')?.split(' ')[0]) / 1024);
}

async function statusOf(container: Container): Promise<ReadonlyMap<string, string>> {
  const text = await ask(container, 'readFileSync("/proc/1/status", "utf8")');
  return new Map([...text.matchAll(/^(\w+):\s+(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}

function ask(container: Container, expression: string): Promise<string> {
  return container.inside('node', '-e', `const fs = require("fs"), { readFileSync } = fs; process.stdout.write(String(${expression}))`);
}
