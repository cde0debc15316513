import { resolve } from 'node:path';
import { startChild, type Child } from '../services/child.js';

export const ROOT = resolve(import.meta.dirname, '../../..');
const START_MS = 60_000;

export interface AppProcess {
  readonly child: Child;
  readonly port: number;
  readonly internalUrl: string;
}

/** Starts a built app and waits until it says that it listens. The environment is only what is given, plus where to find programs. */
export async function startApp(app: string, settings: Readonly<Record<string, string>>, echo?: string): Promise<AppProcess> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', TZ: 'UTC', ...settings };
  const child = startChild(process.execPath, [resolve(ROOT, `apps/${app}/dist/main.js`)], {
    env,
    cwd: ROOT,
    echo,
    detached: echo !== undefined,
  });
  return started(child);
}

/** Resolves when an app says that it listens; one that does not is ended. */
export async function started(child: Child): Promise<AppProcess> {
  const line = await child.until(/.*"app\.started".*/, START_MS).catch(async (error: unknown) => {
    await child.stop('SIGKILL').catch(() => undefined);
    throw error;
  });
  const facts = startedFacts(line[0]);
  return { child, port: facts.port, internalUrl: `http://127.0.0.1:${String(facts.internalPort)}` };
}

function startedFacts(line: string): { port: number; internalPort: number } {
  const port = /"port":(\d+)/.exec(line)?.[1] ?? '0';
  const internalPort = /"internalPort":(\d+)/.exec(line)?.[1];
  if (internalPort === undefined) throw new Error(`the app did not say its internal port: ${line}`);
  return { port: Number(port), internalPort: Number(internalPort) };
}
