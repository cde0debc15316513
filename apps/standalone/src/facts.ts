import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { writePrivately } from './secrets.js';

const hex = z.templateLiteral(['0x', z.string()]);

/** What a running standalone tells: printed as a table, and written to `standalone.json` for scripts. */
const Facts = z.object({
  pid: z.number(),
  overlayPage: z.string(),
  webSocket: z.string(),
  api: z.string(),
  apiDocs: z.string(),
  metrics: z.string(),
  health: z.string(),
  accessToken: z.string(),
  adminToken: z.string(),
  creator: z.object({ id: z.string(), handle: z.string(), wallet: hex }),
  chain: z.object({ chainId: z.number(), rpc: z.string(), ws: z.string(), tipJar: hex, tipperKey: hex }),
});
export type Facts = z.output<typeof Facts>;

const fileIn = (folder: string): string => join(folder, 'standalone.json');

export async function writeFacts(folder: string, facts: Facts): Promise<string> {
  await writePrivately(fileIn(folder), facts);
  return fileIn(folder);
}

/** `undefined` when no standalone has written any, or something else is in the file. */
export async function readFacts(folder: string): Promise<Facts | undefined> {
  try {
    return Facts.parse(JSON.parse(await readFile(fileIn(folder), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The short table at the end of the start. */
export function factsTable(facts: Facts): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Overlay page', facts.overlayPage],
    ['WebSocket', facts.webSocket],
    ['API docs', facts.apiDocs],
    ['Metrics', facts.metrics],
    ['RPC', facts.chain.rpc],
    ['Tip jar', facts.chain.tipJar],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(13)} ${value}`).join('\n');
}
