import { randomBytes } from 'node:crypto';
import { openWallet, sendTip, type TipWallet } from '@droppio/tip-jar';
import type { Hex } from '@droppio/tips';
import * as z from 'zod';
import type { House } from './house.js';

const Created = z.object({ accessToken: z.string(), creator: z.object({ id: z.string() }) });
const Overlay = z.object({ id: z.string() });
const Links = z.object({ pageUrl: z.string(), webSocketUrl: z.string() });
const Tips = z.object({ data: z.array(z.looseObject({ id: z.string(), message: z.string(), state: z.string() })) });

export interface TestCreator {
  readonly id: string;
  readonly wallet: Hex;
  readonly accessToken: string;
  readonly overlayId: string;
  readonly pageUrl: string;
  readonly webSocketUrl: string;
}

/** A creator's and a viewer's hands: everything over HTTP and the chain, as users do. */
export class HouseClient {
  private wallet: TipWallet | undefined;

  constructor(
    private readonly house: House,
    private readonly tipper = 0,
  ) {}

  /** A creator with a fresh wallet and one overlay, which looks as every new one but for `config`. */
  async creator(config: Readonly<Record<string, unknown>> = {}): Promise<TestCreator> {
    const wallet: Hex = `0x${randomBytes(20).toString('hex')}`;
    const handle = `c${randomBytes(6).toString('hex')}`;
    const body = { handle, displayName: 'A creator', wallets: [wallet] };
    const { accessToken, creator } = Created.parse(await this.call('POST', '/v1/creators', this.house.adminToken, body));
    const overlay = Overlay.parse(
      await this.call('POST', '/v1/overlays', accessToken, { name: 'Alerts', config: { schemaVersion: 1, ...config } }),
    );
    const links = Links.parse(await this.call('GET', `/v1/overlays/${overlay.id}/url`, accessToken));
    return { id: creator.id, wallet, accessToken, overlayId: overlay.id, ...links };
  }

  /** Sends a tip and waits until it is mined. Returns the transaction's hash. */
  async tip(creator: TestCreator, amount: bigint, message: string): Promise<Hex> {
    const hash = await this.send(creator, amount, message);
    await this.wallet?.waitForTransactionReceipt({ hash, timeout: 20_000 });
    return hash;
  }

  /** Sends a tip; it may not be mined yet. */
  async send(creator: TestCreator, amount: bigint, message: string): Promise<Hex> {
    this.wallet ??= await this.open();
    return sendTip(this.wallet, { jar: this.house.chain.jar, creator: creator.wallet, amount, message });
  }

  async history(creator: TestCreator): Promise<z.output<typeof Tips>['data']> {
    return Tips.parse(await this.call('GET', '/v1/tips', creator.accessToken)).data;
  }

  async call(
    method: string,
    path: string,
    token: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const response = await fetch(this.house.apiUrl + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} ${path} answered ${String(response.status)}: ${JSON.stringify(answer)}`);
    return answer;
  }

  private async open(): Promise<TipWallet> {
    const account = this.house.chain.tippers[this.tipper];
    if (account === undefined) throw new Error('no such tipper');
    return openWallet({ rpcUrl: this.house.chain.rpcUrl, privateKey: account.privateKey, pollMs: 20 });
  }
}
