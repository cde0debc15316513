import { createServer } from 'node:net';
import { portFault } from '@droppio/platform';

/** The port itself if it can be opened, or a free one for 0. Throws a `StartupFault` that names the setting. */
export function claimPort(host: string, port: number, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => {
      const fault = portFault(error, host, port, setting);
      reject(fault instanceof Error ? fault : error);
    });
    probe.listen({ host, port }, () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  });
}
