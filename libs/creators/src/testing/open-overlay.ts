import { WebSocket } from 'ws';

export interface OpenOverlay {
  readonly frames: Readonly<Record<string, unknown>>[];
  /** Code of the close frame. */
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
}

/** An overlay on a WebSocket, once it is admitted. */
export async function openOverlay(url: string, token: string, place = ''): Promise<OpenOverlay> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/overlay?token=${token}${place}`);
  const frames: Record<string, unknown>[] = [];
  const closed = new Promise<number>((resolve) => {
    socket.once('close', resolve);
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Record<string, unknown>;
      frames.push(frame);
      if (frame['op'] === 'ready') resolve();
    });
    socket.once('error', reject);
    void closed.then((code) => {
      reject(new Error(`closed with ${String(code)}`));
    });
  });
  return { frames, closed, socket };
}
