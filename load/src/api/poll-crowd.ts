import { Agent, get } from 'node:http';
import { exactNow } from '../fanout/crowd-orders.js';
import type { Heard, Wait } from './load-orders.js';

const STAMPS = /~t([\d.]+)~/g;

/** Overlays that poll: each asks again as soon as it was answered, from its own place in the stream. */
export class PollCrowd {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly heard: Heard[] = [];
  private readonly faults: string[] = [];
  private isOver = false;

  constructor(private readonly order: Wait) {
    for (let n = 0; n < order.clients; n += 1) void this.follow(order.authorizations[n % order.authorizations.length]);
  }

  report(): { heard: Heard[]; failed: number; why: string } {
    return { heard: this.heard, failed: this.faults.length, why: this.faults[0] ?? '' };
  }

  stop(): void {
    this.isOver = true;
    this.agent.destroy();
  }

  private async follow(authorization: string | undefined): Promise<void> {
    const headers = authorization === undefined ? {} : { authorization };
    let place = this.order.place;
    while (!this.isOver) {
      const text = await this.poll(place, headers);
      if (text === undefined) return;
      const atMs = exactNow();
      // Several at once, where the client was slower than they came.
      for (const [, sent] of text.matchAll(STAMPS)) this.heard.push({ sentMs: Number(sent), latencyMs: atMs - Number(sent) });
      place = placeIn(text) ?? place;
    }
  }

  /** `undefined`: it failed, or is over. */
  private poll(place: string, headers: { readonly authorization?: string }): Promise<string | undefined> {
    return new Promise((resolve) => {
      const end = (text: string | undefined, fault?: string): void => {
        if (fault !== undefined && !this.isOver) this.faults.push(fault);
        resolve(text);
      };
      get({ port: this.order.port, host: '127.0.0.1', path: `${this.order.path}&${place}`, agent: this.agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('error', (error) => {
          end(undefined, error.message);
        });
        response.once('end', () => {
          if (response.statusCode === 200) end(text);
          else end(undefined, `status ${String(response.statusCode)}`);
        });
      }).once('error', (error) => {
        end(undefined, error.message);
      });
    });
  }
}

/** Where an answer says to go on: the API in a word, the gateway by what it sent. */
function placeIn(text: string): string | undefined {
  const next = /"next":"([\w.-]+)"/.exec(text)?.[1];
  if (next !== undefined) return `after=${next}`;
  const epoch = /"epoch":"([\w-]+)"/.exec(text)?.[1];
  const seq = [...text.matchAll(/"op":"event"[^{]*?"seq":(\d+)/g)].at(-1)?.[1];
  return epoch === undefined || seq === undefined ? undefined : `epoch=${epoch}&seq=${seq}`;
}
