import { createHash } from 'node:crypto';
import * as z from 'zod';
import { caller, type ApiHouse, type BenchCreator } from './api-house.js';
import { CHAIN_ID, TOKEN } from './fill.js';

/** A question that is asked again and again. */
export interface Case {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly paths: readonly string[];
  readonly authorization?: string;
  /** Measured against this one. */
  readonly peer?: string;
}

const Page = z.object({ data: z.array(z.unknown()), page: z.object({ next: z.string().nullable() }) });
const WAYS = 500;

/** `missing`: what the API does not have. */
export async function casesOf(
  house: ApiHouse,
  creator: BenchCreator,
  count: number,
): Promise<{ readonly cases: readonly Case[]; readonly missing: readonly string[] }> {
  const { api, peer } = house;
  const missing: string[] = [];
  const ours = (name: string, paths: readonly string[], against?: string): Case => ({
    name,
    paths,
    port: api.port,
    pid: api.child.pid,
    authorization: creator.authorization,
    ...(against === undefined ? {} : { peer: against }),
  });
  const known = (template: string, made: Case): Case[] => {
    if (house.has(template)) return [made];
    missing.push(`GET ${template}`);
    return [];
  };
  const config = house.has('/v1/overlays/{id}/config') ? '/config' : '';
  const deep = await deepPage(house, creator, count);
  const tips = Array.from({ length: WAYS }, (_, n) => hashOf(creator.wallet, 1 + Math.floor((n * count) / WAYS)));
  const cases = [
    ...known(`/v1/overlays/{id}${config}`, ours('overlay config', [`/v1/overlays/${creator.overlayId}${config}`], PEER_OVERLAY)),
    ...known('/v1/tips', ours('tips, first page of 50', ['/v1/tips?limit=50'])),
    ours('tips, a page of 50 in the middle', [deep]),
    ours('tips, 50 of one token (one in ten)', [`/v1/tips?limit=50&token=${String(CHAIN_ID)}:${TOKEN}`]),
    ours('tips of somebody who never tipped', [`/v1/tips?limit=50&sender=0x${'ee'.repeat(20)}`]),
    ...known(
      '/v1/tips/{id}',
      ours(
        'one tip with its proof',
        tips.map((hash) => `/v1/tips/${String(CHAIN_ID)}-${hash}-0`),
        PEER_TIP,
      ),
    ),
    ...known('/v1/stats/summary', ours('stats, summary', ['/v1/stats/summary'])),
    { name: PEER_OVERLAY, paths: [`/overlays/${creator.overlayId}`], port: peer.port, pid: peer.child.pid },
    { name: PEER_TIP, paths: tips.map((hash) => `/tips/${String(CHAIN_ID)}/${hash}/0`), port: peer.port, pid: peer.child.pid },
  ];
  return { cases, missing };
}

const PEER_OVERLAY = 'Express + pg: overlay by key';
const PEER_TIP = 'Express + pg: tip by key';

/** Times are part of the index, so the page before it need not be walked to. */
async function deepPage({ api }: ApiHouse, { authorization }: BenchCreator, count: number): Promise<string> {
  const to = encodeURIComponent(new Date(Date.now() - (count / 2) * 10_000).toISOString());
  const path = `/v1/tips?limit=50&to=${to}`;
  const { data, page } = Page.parse(await caller(api.port)('GET', path, authorization));
  if (data.length !== 50 || page.next === null) throw new Error('the middle of the list is not where the bench put it');
  return `${path}&cursor=${page.next}`;
}

function hashOf(wallet: string, n: number): string {
  return `0x${createHash('sha256')
    .update(`${wallet}${String(n)}`)
    .digest('hex')}`;
}
