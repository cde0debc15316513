import type { WebSocket } from 'ws';
import type { Header } from './anvil-node.js';
import { SLOTS, type Failpoints, type Slot } from './failpoints.js';
import { FaultyEndpoint } from './faulty-endpoint.js';
import { parse } from './faulty-proxy.js';
import { Forger } from './forger.js';
import type { Plan } from './scenario.js';
import type { Tally } from './tally.js';
import type { ChainBlock, Twin, TwinChains } from './twin-chains.js';

interface Listener {
  readonly socket: WebSocket;
  readonly slot: Slot;
  readonly endpoint: number;
  subscription: string | undefined;
  topic: 'newHeads' | 'pendingLogs';
  silent: boolean;
  held: ChainBlock | undefined;
}

/** All endpoints of one chain, and whoever has subscribed to its heads. */
export class FaultyChain {
  readonly endpoints: readonly FaultyEndpoint[];
  private readonly listeners = new Set<Listener>();
  private readonly ceilings = new Map<Slot, number>();
  /** Logs of the block that is being made, for whoever asks. */
  pending: readonly object[] = [];

  constructor(
    readonly chainId: number,
    private readonly plan: Pick<Plan, 'endpoints' | 'stranger' | 'traits'>,
    private readonly twins: TwinChains,
    parts: { readonly failpoints: Failpoints; readonly tally: Tally; readonly payee: string },
  ) {
    const ceiling = (slot: Slot): number => this.ceilingOf(slot);
    const count = plan.endpoints + (plan.stranger ? 1 : 0);
    const sight = { ceiling, pending: (): readonly object[] => this.pending };
    this.endpoints = Array.from({ length: count }, (_, index) => new FaultyEndpoint(chainId, index, { twins, ...sight, ...parts }));
    const forging = this.endpoints[plan.traits.forger?.endpoint ?? -1];
    if (forging !== undefined) forging.forger = new Forger(parts.payee, parts.tally);
    if (!plan.stranger) return;
    const stranger = this.endpoints.at(-1);
    if (stranger !== undefined) stranger.isStranger = true;
  }

  /** In this step of the story, or `undefined` when it has come to its end. */
  forgeIn(step: number | undefined): void {
    const { forger } = this.plan.traits;
    if (forger === undefined) return;
    const isTime = step === undefined ? forger.to === undefined : forger.from <= step && step <= (forger.to ?? step);
    for (const endpoint of this.endpoints) if (endpoint.forger !== undefined) endpoint.forger.isActive = isTime;
  }

  /** Nothing above this height is shown to a process. */
  limit(slot: Slot, highest: number): void {
    this.ceilings.set(slot, highest);
  }

  /** All honest and up to date again. */
  heal(): void {
    this.ceilings.clear();
    this.pending = [];
    for (const endpoint of this.endpoints) endpoint.heal();
    for (const listener of this.listeners) listener.silent = false;
  }

  /** Pushes a new block of a twin to whoever listens at an endpoint that serves it. */
  announce(twin: Twin, block: ChainBlock): void {
    for (const listener of this.listeners) {
      const endpoint = this.endpoints[listener.endpoint];
      if (listener.topic !== 'newHeads') continue;
      if (endpoint?.twin !== twin || endpoint.behind > 0 || block.number > this.ceilingOf(listener.slot)) continue;
      this.push(listener, endpoint, block);
    }
  }

  /** Tells of logs whose block is not sealed: when asked, or one by one, as flashblocks do, some of them twice. */
  promise(logs: readonly object[], source: 'pending' | 'pendingLogs'): void {
    if (source === 'pending') {
      this.pending = logs;
      return;
    }
    for (const listener of this.listeners) {
      if (listener.topic !== 'pendingLogs') continue;
      for (const [index, log] of logs.entries()) for (let times = 0; times <= index % 2; times += 1) this.send(listener, log);
    }
  }

  join(socket: WebSocket, slot: Slot, index: number): void {
    const endpoint = this.endpoints[index];
    if (endpoint === undefined) {
      socket.terminate();
      return;
    }
    const listener: Listener = {
      socket,
      slot,
      endpoint: index,
      subscription: undefined,
      topic: 'newHeads',
      silent: false,
      held: undefined,
    };
    this.listeners.add(listener);
    socket.on('close', () => this.listeners.delete(listener));
    socket.on('error', () => {
      socket.terminate();
    });
    socket.on('message', (data: Buffer) => {
      this.hear(listener, endpoint, data.toString('utf8'));
    });
  }

  hangUp(): void {
    for (const { socket } of this.listeners) socket.terminate();
  }

  private hear(listener: Listener, endpoint: FaultyEndpoint, text: string): void {
    const question = parse(text);
    if (question === undefined) return;
    const { id, method, params } = question;
    const answer = (body: object): void => {
      listener.socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...body }));
    };
    if (method === 'eth_chainId') answer({ result: endpoint.isStranger ? '0x1' : `0x${this.chainId.toString(16)}` });
    else if (method === 'eth_subscribe' && params[0] === 'newHeads') this.subscribe(listener, endpoint, answer);
    else if (method === 'eth_subscribe' && params[0] === 'pendingLogs') this.subscribeToPending(listener, answer);
    else answer({ error: { code: -32601, message: `the method ${method} does not exist` } });
  }

  private subscribe(listener: Listener, endpoint: FaultyEndpoint, answer: (body: object) => void): void {
    if (endpoint.spend('ws-refuse')) {
      listener.socket.terminate();
      return;
    }
    listener.subscription = `0x${Math.floor(Math.random() * 2 ** 40).toString(16)}`;
    const subscription = listener.subscription;
    if (endpoint.spend('ws-early')) this.send(listener, this.twins.headOf(endpoint.twin).header);
    answer({ result: subscription });
  }

  private subscribeToPending(listener: Listener, answer: (body: object) => void): void {
    listener.topic = 'pendingLogs';
    listener.subscription = '0x9e';
    answer({ result: listener.subscription });
  }

  private push(listener: Listener, endpoint: FaultyEndpoint, block: ChainBlock): void {
    if (endpoint.spend('ws-cut')) {
      listener.socket.terminate();
      return;
    }
    if (endpoint.spend('ws-silent')) listener.silent = true;
    if (listener.subscription === undefined || listener.silent) return;
    if (listener.held === undefined && endpoint.spend('ws-reorder')) {
      listener.held = block;
      return;
    }
    const told = (header: Header): Header => endpoint.forger?.header(header) ?? header;
    this.send(listener, told(block.header));
    if (endpoint.spend('ws-duplicate')) this.send(listener, told(block.header));
    if (listener.held !== undefined) this.send(listener, told(listener.held.header));
    listener.held = undefined;
  }

  private send({ socket, subscription }: Listener, header: Header | object): void {
    socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription, result: header } }));
  }

  private ceilingOf(slot: Slot): number {
    return this.ceilings.get(slot) ?? Infinity;
  }

  /** For a choreography that needs one process to stay where it is. */
  unlimit(): void {
    for (const slot of SLOTS) this.ceilings.delete(slot);
  }
}
