import { Agent, get } from 'node:http';
import { exactNow } from '../fanout/crowd-orders.js';
import type { Wait } from './load-orders.js';

const STAMP = /~t([\d.]+)~/;
const PLACE = /"epoch":"([\w-]+)"/;
/** As long as it takes to ask once; after that a poll waits for the next event. */
const SEATED_MS = 1500;

/** Overlays that poll: each asks again as soon as it was answered, from its own place in the stream. */
export class PollCrowd {
  private readonly agent = new Agent({ keepAlive: true });
  private latenciesMs: number[] = [];
  private readonly faults: string[] = [];
  private waiting = 0;
  private isOver = false;

  constructor(private readonly order: Wait) {
    for (let n = 0; n < order.clients; n += 1) void this.follow();
  }

  async seated(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, SEATED_MS));
  }

  /** Since the last report. */
  report(): { latenciesMs: number[]; waiting: number; failed: number; why: string } {
    const told = { latenciesMs: this.latenciesMs, waiting: this.waiting, failed: this.faults.length, why: this.faults[0] ?? '' };
    this.latenciesMs = [];
    return told;
  }

  stop(): void {
    this.isOver = true;
    this.agent.destroy();
  }

  private async follow(): Promise<void> {
    let place = '';
    while (!this.isOver) {
      const text = await this.poll(place);
      if (text === undefined) return;
      const atMs = exactNow();
      const stamps = [...text.matchAll(new RegExp(STAMP, 'g'))];
      const sent = stamps.at(-1)?.[1];
      if (sent !== undefined) this.latenciesMs.push(atMs - Number(sent));
      const epoch = PLACE.exec(text)?.[1];
      const seq = [...text.matchAll(/"op":"event"[^{]*?"seq":(\d+)/g)].at(-1)?.[1];
      if (epoch !== undefined && seq !== undefined) place = `&epoch=${epoch}&seq=${seq}`;
    }
  }

  /** `undefined`: it failed, or is over. */
  private poll(place: string): Promise<string | undefined> {
    this.waiting += 1;
    return new Promise((resolve) => {
      const end = (text: string | undefined, fault?: string): void => {
        this.waiting -= 1;
        if (fault !== undefined && !this.isOver) this.faults.push(fault);
        resolve(text);
      };
      get({ port: this.order.port, host: '127.0.0.1', path: this.order.path + place, agent: this.agent }, (response) => {
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
