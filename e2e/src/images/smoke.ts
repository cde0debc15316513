import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../houses/app-process.js';
import { findImageTools } from '../services/programs.js';
import { provideBases } from './bases.js';
import { Container } from './container.js';
import { checkApp, checkConfig, checkWeb } from './contents.js';
import { APPS, buildImages, Image } from './image.js';
import { ImageStore } from './store.js';
import { tellStory } from './story.js';

/**
 * `npm run smoke:images`, as root on Debian or Ubuntu: builds every image without an engine (buildah), looks at what is in them, and runs them as
 * a cluster would (runc). Only where packages cannot be had nothing is tested, and it says so; everything else is a failure.
 */
const say = (sentence: string): void => {
  console.log(`images: ${sentence}`);
};
const tools = findImageTools();
if (typeof tools === 'string') {
  console.error(`\nimages: SKIPPED, NOTHING WAS TESTED: ${tools}.\n`);
  process.exit(0);
}
const work = mkdtempSync(join(tmpdir(), 'droppio-images-'));
const store = await ImageStore.open(tools, work);
const began = Date.now();
let code = 0;
const tidy = async (): Promise<void> => {
  await store.close();
  rmSync(work, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void tidy().finally(() => process.exit(130));
  });
}
try {
  for (const base of await provideBases(store, readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8'))) say(base);
  say(`bases in ${seconds()}`);
  await buildImages(store, say);
  say(`four images built in ${seconds()} (${store.driver})`);
  const [api, listener, gateway, web] = await Promise.all([...APPS, 'web' as const].map((name) => Image.open(store, name)));
  assert.ok(api && listener && gateway && web);
  for (const image of [api, listener, gateway, web]) checkConfig(image);
  for (const name of APPS) {
    const image = { api, listener, gateway }[name];
    checkApp(image, name);
    say(`${name}: only its own rooms and packages, no sources, no tools; ${String(image.mebibytes('app'))} MB of app`);
  }
  checkWeb(web);
  await tryWeb(web);
  await tellStory({ api, listener, gateway }, say);
  say(`all is as it should be, in ${seconds()}`);
} catch (error) {
  code = 1;
  console.error('images: FAILED:', error);
} finally {
  await tidy();
}
process.exit(code);

/** The page and its headers, from a server that cannot write and has a network of its own. */
async function tryWeb(image: Image): Promise<void> {
  const env = { GATEWAY_HOST: '127.0.0.1', API_HOST: '127.0.0.1', WEB_TRUSTED_PROXIES: '192.0.2.7,10.0.0.0/8' };
  const server = new Container(image, 'web', { ownNetwork: true, env });
  try {
    const isAlive = (): Promise<boolean> =>
      server.inside(...image.healthCheck).then(
        () => true,
        () => false,
      );
    const deadline = Date.now() + 10_000;
    while (!(await isAlive())) {
      if (Date.now() > deadline) throw new Error(`web is not alive:\n${server.child.output()}`);
      await sleep(100);
    }
    const get = (path: string): Promise<string> => server.inside('sh', '-c', `wget -q -S -O - http://127.0.0.1:8080${path} 2>&1`);
    const page = await get('/overlay/');
    assert.match(page, /content-security-policy: default-src 'none'/i);
    const script = /src="(?:\.?\/)*([^"]*assets\/[^"]+\.js)"/.exec(page)?.[1]?.replace(/^overlay\//, '');
    assert.ok(script !== undefined, `the page names no script:\n${page}`);
    assert.match(await get(`/overlay/${script}`), /cache-control: public, max-age=31536000, immutable/i);
    assert.match(
      await server.inside('cat', '/tmp/trusted-proxies.conf'),
      /^ set_real_ip_from 192\.0\.2\.7; set_real_ip_from 10\.0\.0\.0\/8;$/m,
    );
    assert.match(await server.inside('wget', '-q', '-O', '-', 'http://127.0.0.1:9090/metrics'), /^droppio_web_connections_limit \d+$/m);
    const uids = await server.inside(
      'sh',
      '-c',
      'sed -n "s/^Uid:\\t//p" /proc/1/status; if echo x > /etc/nginx/x; then echo written; fi 2>/dev/null',
    );
    assert.match(uids, /^101\t101\t101\t101\n$/);
    assert.equal(await server.stop(10_000), 0, 'SIGQUIT does not end web with 0');
    say(
      `web: uid 101, read-only, serves the page with its policy, believes the proxies that it is told of, says how it is at 9090, its own health check says alive, SIGQUIT ends it with 0; ${String(image.mebibytes('usr/share/nginx/html'))} MB of page`,
    );
  } finally {
    await server.remove();
  }
}

function seconds(): string {
  return `${((Date.now() - began) / 1000).toFixed(0)} s`;
}
