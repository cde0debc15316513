import { writeSync } from 'node:fs';
import { register, type LoadFnOutput, type LoadHook } from 'node:module';
import { BAD_BUILDS } from './builds.js';

/*
 * `node --import loader.js?<name>`: changes a few words of compiled modules while they are loaded, so that no switch for it is in the product.
 * Node runs the hook in a thread of its own, which imports this file once more.
 */
const build = BAD_BUILDS.find(({ name }) => new URL(import.meta.url).search === `?${name}`);
const STDERR = 2;

const isHookThread = new URL(import.meta.url).hash === '#hook';
if (!isHookThread) register(`${import.meta.url}#hook`);

export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  const patches = build?.patches.filter(({ file }) => url.endsWith(file)) ?? [];
  if (build === undefined || patches.length === 0) return loaded;
  writeSync(STDERR, `bad build: ${build.name}\n`);
  const source = patches.reduce((text, { fragment, instead }) => text.replace(fragment, () => instead), textOf(loaded.source));
  return { ...loaded, source };
};

function textOf(source: LoadFnOutput['source']): string {
  if (typeof source === 'string') return source;
  return source instanceof Uint8Array ? Buffer.from(source).toString('utf8') : '';
}
