import { format } from 'prettier';
import { readScenarios } from '../scenarios/scenario.js';
import { artilleryFile } from './artillery-file.js';
import { k6Script } from './k6-script.js';
import { isFromOutside } from './measurable.js';

const STYLE = { printWidth: 140, singleQuote: true, trailingComma: 'all' } as const;

/** Every generated file by its path in the repository. */
export async function scripts(): Promise<ReadonlyMap<string, string>> {
  const files = readScenarios('as-written')
    .filter(isFromOutside)
    .flatMap((scenario): [string, string, 'typescript' | 'yaml'][] => [
      [`load/k6/${scenario.name}.ts`, k6Script(scenario), 'typescript'],
      [`load/artillery/${scenario.name}.yml`, artilleryFile(scenario), 'yaml'],
    ]);
  return new Map(await Promise.all(files.map(async ([path, text, parser]) => [path, await format(text, { parser, ...STYLE })] as const)));
}
