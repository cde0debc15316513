import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DevAccount } from '@droppio/tip-jar';
import type { Hex } from '@droppio/tips';
import * as z from 'zod';
import { writePrivately } from './secrets.js';

const Demo = z.object({ accessToken: z.string(), overlayId: z.string() });
const NewCreator = z.object({ accessToken: z.string() });
const NewOverlay = z.object({ id: z.string() });
const Me = z.object({ id: z.string(), handle: z.string() });
const Links = z.object({ pageUrl: z.string(), webSocketUrl: z.string() });

export interface DemoCreator {
  readonly id: string;
  readonly handle: string;
  readonly wallet: Hex;
  readonly accessToken: string;
  readonly pageUrl: string;
  readonly webSocketUrl: string;
}

interface DemoPlan {
  readonly apiUrl: string;
  readonly adminToken: string;
  readonly folder: string;
  readonly account: DevAccount;
}

/** A creator with an overlay, made through the API as anybody would, or found again from the start before. */
export async function demoCreator(plan: DemoPlan): Promise<DemoCreator> {
  const file = join(plan.folder, 'demo.json');
  const kept = await readDemo(file);
  const found = kept === undefined ? undefined : await describe(plan, kept).catch(() => undefined);
  if (found !== undefined) return found;
  const made = await create(plan);
  await writePrivately(file, made);
  return describe(plan, made);
}

async function create({ apiUrl, adminToken, account }: DemoPlan): Promise<z.output<typeof Demo>> {
  const creator = { handle: 'demo', displayName: 'Demo creator', wallets: [account.address] };
  const { accessToken } = NewCreator.parse(await call('POST', `${apiUrl}/v1/creators`, adminToken, creator));
  const { id } = NewOverlay.parse(await call('POST', `${apiUrl}/v1/overlays`, accessToken, { name: 'Demo overlay' }));
  return { accessToken, overlayId: id };
}

async function describe({ apiUrl, account }: DemoPlan, { accessToken, overlayId }: z.output<typeof Demo>): Promise<DemoCreator> {
  const me = Me.parse(await call('GET', `${apiUrl}/v1/me`, accessToken));
  const links = Links.parse(await call('GET', `${apiUrl}/v1/overlays/${overlayId}/url`, accessToken));
  return { ...me, ...links, wallet: account.address, accessToken };
}

async function readDemo(file: string): Promise<z.output<typeof Demo> | undefined> {
  try {
    return Demo.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

async function call(method: string, url: string, token: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname} answered ${String(response.status)}: ${JSON.stringify(answer)}`);
  return answer;
}
