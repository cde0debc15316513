import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';

/** All faults of the settings at once, each a sentence that names the variable. */
export class InvalidSettings extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The settings do not fit:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'InvalidSettings';
  }
}

/**
 * Reads and checks the environment once; nobody else touches `process.env`. Empty variables count as unset. `NAME_FILE` names a file that
 * holds the value of `NAME` (secrets mounted by an orchestrator). Throws `InvalidSettings`.
 */
export function loadEnv<S extends z.ZodObject>(schema: S, source: NodeJS.ProcessEnv): z.output<S> {
  const given: Record<string, string> = {};
  const faults: string[] = [];
  for (const name of Object.keys(schema.shape)) {
    const value = read(name, source, faults);
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) faults.push(...parsed.error.issues.map((issue) => sentence(issue, given)));
  if (!parsed.success || faults.length > 0) throw new InvalidSettings(faults);
  return parsed.data;
}

function read(name: string, source: NodeJS.ProcessEnv, faults: string[]): string | undefined {
  const file = source[`${name}_FILE`];
  if (file === undefined || file === '') return source[name];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    faults.push(`${name}_FILE names a file that cannot be read.`);
    return undefined;
  }
}

function sentence(issue: z.core.$ZodIssue, given: Record<string, string>): string {
  const [name = 'The settings', ...rest] = issue.path.map(String);
  const where = rest.length > 0 ? `${name} (at ${rest.join('.')})` : name;
  if (given[name] === undefined && issue.path.length === 1) return `${where} is missing.`;
  return `${where} does not fit: ${issue.message.replace(/\.$/, '')}.`;
}

export const port = (preset: number): z.ZodDefault<z.ZodCoercedNumber<string>> =>
  z.coerce.number<string>().int().min(0).max(65_535).default(preset);

/** Settings that every app has. */
export const platformEnv = {
  LOG_LEVEL: z.enum(['debug', 'log', 'warn', 'error']).default('log').meta({ description: 'Least level that is logged.' }),
  INSTANCE_ID: z
    .string()
    .max(128)
    .default(() => `${hostname()}-${String(process.pid)}`)
    .meta({ description: 'Name of this process in logs and metrics. Default: host name and process id.' }),
  INTERNAL_HOST: z.string().default('127.0.0.1').meta({ description: 'Address of the internal port (0.0.0.0 in a container).' }),
  STATS_TOKEN: z
    .string()
    .min(32, 'it must have at least 32 characters')
    .max(512)
    .regex(/^[\x21-\x7e]*$/, 'it must be plain characters without spaces')
    .optional()
    .meta({ description: 'Secret that may read GET /stats on the internal port, at least 32 characters. Without it nobody may.' }),
  BUILD_VERSION: z.string().max(64).default('0.1.0').meta({ description: 'Version in logs, metrics and traces; images set it.' }),
  BUILD_REVISION: z.string().max(64).default('unknown').meta({ description: 'Commit that this was built from; images set it.' }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'it must be an http(s) address with its path, as http://collector:4318/v1/traces' })
    .optional()
    .meta({ description: 'Where traces are sent, OTLP over HTTP, path included. Without it none are recorded.' }),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number<string>()
    .min(0)
    .max(1)
    .default(1)
    .meta({ description: 'Share of tips that are traced, 0 to 1. The same for every app, or traces have holes.' }),
  SHUTDOWN_TIMEOUT_MS: z.coerce
    .number<string>()
    .int()
    .min(1000)
    .default(100_000)
    .meta({ description: 'After this long a shutdown is cut short.' }),
};

export interface PlatformSettings {
  readonly LOG_LEVEL: 'debug' | 'log' | 'warn' | 'error';
  readonly INSTANCE_ID: string;
  readonly INTERNAL_HOST: string;
  readonly INTERNAL_PORT: number;
  readonly STATS_TOKEN?: string | undefined;
  readonly BUILD_VERSION?: string;
  readonly BUILD_REVISION?: string;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
  readonly OTEL_TRACES_SAMPLER_ARG?: number;
  readonly SHUTDOWN_TIMEOUT_MS: number;
}
