import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { portFault } from './startup-fault.js';

/** Connections that may wait for `accept`; Node's own 511 overflows when many overlays come back at once. */
const BACKLOG = 4096;

/** Opens the port and returns the one that was given; what keeps it shut becomes a sentence that names the setting. */
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
    throw portFault(error, host, port, setting);
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
