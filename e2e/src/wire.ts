import { connect } from 'node:net';

export interface Heard {
  /** Everything that came back, byte for character. */
  readonly text: string;
  /** Status of each answer, in order. */
  readonly statuses: readonly number[];
  readonly ms: number;
  /** Did the other side end it, rather than we? */
  readonly isEnded: boolean;
}

export interface Speech {
  /** Longest wait for the other side to end it. */
  readonly ms?: number;
  /** Said again and again while it lasts. */
  readonly drip?: string;
  readonly everyMs?: number;
}

/** Says these very bytes to a port of this machine, whatever HTTP thinks of them, and listens until it is over. Never rejects. */
export function say(port: number, bytes: string | Buffer, { ms = 3000, drip, everyMs = 250 }: Speech = {}): Promise<Heard> {
  return new Promise((resolve) => {
    const began = performance.now();
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let isOurs = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.write(bytes);
    const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), everyMs);
    const patience = setTimeout(() => {
      isOurs = true;
      socket.destroy();
    }, ms);
    socket.once('close', () => {
      clearInterval(dripping);
      clearTimeout(patience);
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      resolve({ text, statuses, ms: performance.now() - began, isEnded: !isOurs });
    });
  });
}

export const lines = (...parts: readonly string[]): string => `${parts.join('\r\n')}\r\n\r\n`;
