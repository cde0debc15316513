import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fits, twisted } from './answer-faults.js';
import type { Failpoints, Slot } from './failpoints.js';
import { roadOf, type FaultKind } from './fault-kinds.js';
import type { Forger } from './forger.js';
import type { Tally } from './tally.js';
import type { Twin, TwinChains } from './twin-chains.js';

export interface Question {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

const STALE_BLOCKS = 2;
const SLOW_MS = [40, 120, 400] as const;

/** One provider of a chain, as the listeners see it: a twin behind it, and whatever faults it was charged with. */
export class FaultyEndpoint {
  private charges: FaultKind[] = [];
  /** Which twin answers; undefined: the one that counts. */
  pinned: Twin | undefined;
  /** Blocks that it is behind. */
  behind = 0;
  /** Serves a chain with another id. */
  isStranger = false;
  /** Lies about blocks, where two providers must agree. */
  forger: Forger | undefined;

  constructor(
    readonly chainId: number,
    readonly index: number,
    private readonly parts: {
      readonly twins: TwinChains;
      readonly failpoints: Failpoints;
      readonly tally: Tally;
      /** Highest block that a process is shown. */
      readonly ceiling: (slot: Slot) => number;
      readonly pending: () => readonly object[];
    },
  ) {}

  get twin(): Twin {
    return this.pinned ?? this.parts.twins.active;
  }

  charge(kind: FaultKind, times: number): void {
    for (let i = 0; i < times; i += 1) this.charges.push(kind);
  }

  heal(): void {
    this.charges = [];
    this.pinned = undefined;
    this.behind = 0;
  }

  /** Takes one charge of this kind. */
  spend(kind: FaultKind): boolean {
    const at = this.charges.indexOf(kind);
    if (at < 0) return false;
    this.charges.splice(at, 1);
    this.parts.tally.add(`fault:${kind}`);
    return true;
  }

  /** Highest block that this process may hear of here. */
  visibleTo(slot: Slot): number {
    return Math.min(this.parts.ceiling(slot), this.parts.twins.headOf(this.twin).number - this.behind);
  }

  async serve(slot: Slot, question: Question, response: ServerResponse): Promise<void> {
    const { failpoints } = this.parts;
    const isFetch = question.method === 'eth_getLogs' && !isPending(question);
    if (isFetch && failpoints.rule({ at: 'before-fetch', slot, chainId: this.chainId }) === 'swallow') {
      response.destroy();
      return;
    }
    const early = this.charges.find((kind) => roadOf(kind) === 'before');
    if (early !== undefined && this.spend(early) && (await this.refuse(early, response))) return;
    const answer = await this.answer(slot, question);
    const late = this.charges.find(
      (kind) => roadOf(kind) === 'answer' && (kind === 'stale-head' ? isHead(question) : fits(kind, question, answer)),
    );
    if (late !== undefined) this.spend(late);
    await this.respond(question, late === undefined ? answer : await this.spoil(late, question, answer), late, response);
    if (isFetch) failpoints.rule({ at: 'after-fetch', slot, chainId: this.chainId });
  }

  private async answer(slot: Slot, question: Question): Promise<{ readonly result?: unknown; readonly error?: unknown }> {
    const answer = await this.truth(slot, question);
    return this.forger?.forged(question, answer, this.parts.twins.nodes[this.twin].line) ?? answer;
  }

  private async truth(slot: Slot, question: Question): Promise<{ readonly result?: unknown; readonly error?: unknown }> {
    const { method, params } = question;
    if (this.isStranger && method === 'eth_chainId') return { result: '0x1' };
    if (isPending(question)) return { result: this.parts.pending() };
    const { line } = this.parts.twins.nodes[this.twin];
    const highest = this.visibleTo(slot);
    if (isHead(question)) return line.reply(method, [`0x${Math.max(0, highest).toString(16)}`, false]);
    const answer = await line.reply(method, params);
    return isBeyond(answer.result, highest) ? { result: null } : answer;
  }

  private async spoil(kind: FaultKind, question: Question, answer: { readonly result?: unknown }): Promise<{ readonly result?: unknown }> {
    if (kind !== 'stale-head') return twisted(kind, question, answer);
    const { line } = this.parts.twins.nodes[this.twin];
    const stale = Math.max(0, this.parts.twins.headOf(this.twin).number - STALE_BLOCKS);
    return line.reply('eth_getBlockByNumber', [`0x${stale.toString(16)}`, false]);
  }

  /** True: that was the answer. */
  private async refuse(kind: FaultKind, response: ServerResponse): Promise<boolean> {
    const end = (status: number, body: string, headers: Record<string, string> = {}): true => {
      response.writeHead(status, headers).end(body);
      return true;
    };
    switch (kind) {
      case 'drop':
        response.destroy();
        return true;
      case 'http-429':
        return end(429, 'slow down', { 'retry-after': '1' });
      case 'http-503':
        return end(503, 'no upstream');
      case 'html':
        return end(200, '<!doctype html><title>502 Bad Gateway</title>', { 'content-type': 'text/html' });
      case 'throttled':
        return end(200, JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32005, message: 'rate limit exceeded' } }));
      default:
        await sleep(SLOW_MS[this.charges.length % SLOW_MS.length]);
        return false;
    }
  }

  private async respond(question: Question, answer: object, fault: FaultKind | undefined, response: ServerResponse): Promise<void> {
    const id = fault === 'wrong-id' ? -1 : question.id;
    const body = JSON.stringify({ ...answer, jsonrpc: '2.0', id });
    const whole = fault === 'truncated' ? body.slice(0, body.length >> 1) : body;
    if (response.destroyed) return;
    await new Promise<void>((resolve) => {
      response.once('close', resolve);
      response.writeHead(200, { 'content-type': 'application/json' }).end(whole, resolve);
    });
  }
}

function isHead({ method, params }: Question): boolean {
  return method === 'eth_getBlockByNumber' && params[0] === 'latest';
}

function isPending({ method, params: [query] }: Question): boolean {
  return method === 'eth_getLogs' && typeof query === 'object' && query !== null && 'fromBlock' in query && query.fromBlock === 'pending';
}

function isBeyond(block: unknown, highest: number): boolean {
  return typeof block === 'object' && block !== null && 'number' in block && 'parentHash' in block && Number(block.number) > highest;
}
