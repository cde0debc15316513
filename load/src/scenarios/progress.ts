import type { Second } from './timeline.js';

/** One line that is written over, and plain lines, fewer of them, where there is no terminal. */
export class Progress {
  private scenario = '';
  private spoken = 0;
  private readonly isTerminal = process.stderr.isTTY;

  begin(name: string): void {
    this.scenario = name;
    this.spoken = 0;
  }

  say({ at, open, deliveries, p95, gateways }: Second): void {
    const late = Number.isNaN(p95) ? '' : ` · p95 ${p95.toFixed(1)} ms`;
    const line = `${this.scenario.padEnd(16)} ${at.toFixed(0).padStart(4)} s · ${open.toLocaleString('en')} open on ${String(gateways)} · ${deliveries.toLocaleString('en')} deliveries/s${late}`;
    if (this.isTerminal) process.stderr.write(`\r\x1b[2K${line}`);
    else if (at - this.spoken >= 5) {
      this.spoken = at;
      process.stderr.write(`${line}\n`);
    }
  }

  end(): void {
    if (this.isTerminal) process.stderr.write('\r\x1b[2K');
  }
}
