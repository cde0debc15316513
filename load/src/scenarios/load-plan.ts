import { parseArgs } from 'node:util';
import { readScenarios, type Length, type Scenario } from './scenario.js';

export interface LoadPlan {
  readonly scenarios: readonly Scenario[];
  readonly length: Length;
  readonly seed: number;
  readonly report?: string;
  readonly markdown?: string;
}

/** The command line cannot be followed; the message says what could be said instead. */
export class UnclearOrder extends Error {}

/** Where the last full run is kept. */
const FULL = { report: 'test-results/load.html', markdown: 'docs/proof/load.md' };

/** Throws `UnclearOrder`. */
export function loadPlan(args: readonly string[]): LoadPlan {
  const { values } = parsed(args);
  if (values.ci && values.full) throw new UnclearOrder('Say --ci or --full, not both.');
  const length: Length = values.ci ? 'ci' : values.full ? 'full' : 'as-written';
  const seed = number('--seed', values.seed ?? '1');
  const minutes = values.minutes === undefined ? undefined : number('--minutes', values.minutes);
  const all = readScenarios(length).map((scenario) =>
    scenario.play === 'soak' && minutes !== undefined ? { ...scenario, holdSeconds: minutes * 60 } : scenario,
  );
  const preset = minutes === undefined ? all.filter(({ play }) => isPlayed(play, length)).map(({ name }) => name) : ['soak'];
  const scenarios = chosen(all, values.scenario?.split(',') ?? preset);
  const { report, markdown } = { ...(values.full ? FULL : {}), ...values };
  return { scenarios, length, seed, ...(report === undefined ? {} : { report }), ...(markdown === undefined ? {} : { markdown }) };
}

/** The live autoscaling has a line of its own in CI, and hours belong to whoever asks for them. */
function isPlayed(play: Scenario['play'], length: Length): boolean {
  if (play === 'scale') return length !== 'ci';
  return play !== 'soak' || length !== 'as-written';
}

function chosen(all: readonly Scenario[], wanted: readonly string[]): readonly Scenario[] {
  const known = all.map(({ name }) => name);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new UnclearOrder(`There is no scenario ${unknown.join(', ')}. Known are ${known.join(', ')}.`);
  return all.filter(({ name }) => wanted.includes(name));
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        ci: { type: 'boolean', default: false },
        full: { type: 'boolean', default: false },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        report: { type: 'string' },
        markdown: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UnclearOrder(
      `${error instanceof Error ? error.message : String(error)} Known are --scenario a,b, --ci, --full, --seed n, --minutes n, --report file.html, --markdown file.md.`,
    );
  }
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UnclearOrder(`${option} takes a whole number, and ${text} is none.`);
  return value;
}
