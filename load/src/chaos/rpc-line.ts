import { Agent, request } from 'node:http';
import { randomInt } from 'node:crypto';

const ANSWER_MS = 20_000;

/** JSON-RPC to one node over connections that stay open. Errors of the node are thrown with its words. */
export class RpcLine {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 16 });
  private lastId = randomInt(1_000_000);

  constructor(readonly url: string) {}

  async ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const { result, error } = await this.reply(method, params);
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  /** The node's answer as it is, errors included. */
  async reply(method: string, params: readonly unknown[]): Promise<{ readonly result?: unknown; readonly error?: unknown }> {
    this.lastId += 1;
    const answer: unknown = JSON.parse(await this.post(JSON.stringify({ jsonrpc: '2.0', id: this.lastId, method, params })));
    if (typeof answer !== 'object' || answer === null) throw new Error(`${method}: no JSON-RPC`);
    return answer;
  }

  close(): void {
    this.agent.destroy();
  }

  private post(body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const asked = request(this.url, { method: 'POST', agent: this.agent, headers, timeout: ANSWER_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve(Buffer.concat(chunks).toString('utf8'));
        });
        response.on('error', reject);
      });
      asked.on('timeout', () => asked.destroy(new Error('the node does not answer')));
      asked.on('error', reject);
      asked.end(body);
    });
  }
}
