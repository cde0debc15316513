import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';

/** Connections that may wait for `accept`; Node's own 511 overflows when many overlays come back at once. */
const BACKLOG = 4096;

/** Opens the port and returns the one that was given; a taken port becomes a sentence that names the setting to change. */
export async function listen(app: INestApplication, host: string, port: number, setting: string): Promise<number> {
  const server = app.getHttpAdapter().getHttpServer() as Server;
  try {
    await app.init();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw portTaken(error) ? new PortTaken(host, port, setting) : error;
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

export class PortTaken extends Error {
  constructor(host: string, port: number, setting: string) {
    super(`Port ${String(port)} on ${host} is taken by another program. Set ${setting} to a free port, or stop that program.`);
    this.name = 'PortTaken';
  }
}

function portTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
