import { writeSync } from 'node:fs';
import { register, type LoadFnOutput, type LoadHook } from 'node:module';
import { MUTANTS } from './mutants.js';

/*
 * `node --import mutant-loader.js?<name>`: changes one text of one compiled module while it is loaded. Node runs the hook in a thread of its
 * own, which imports this file once more.
 */
const mutant = MUTANTS.find(({ name }) => new URL(import.meta.url).search === `?${name}`);
const STDERR = 2;

/** Said by a process that really is a mutant. */
export const APPLIED = 'mutant applied';

const isHookThread = new URL(import.meta.url).hash === '#hook';
if (!isHookThread) register(`${import.meta.url}#hook`);

export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  if (mutant === undefined || !url.endsWith(mutant.file)) return loaded;
  const text = textOf(loaded.source);
  writeSync(STDERR, `${APPLIED}: ${mutant.name}\n`);
  return { ...loaded, source: text.replace(mutant.fragment, mutant.instead.replaceAll('$', '$$$$')) };
};

function textOf(source: LoadFnOutput['source']): string {
  if (typeof source === 'string') return source;
  return source instanceof Uint8Array ? Buffer.from(source).toString('utf8') : '';
}
