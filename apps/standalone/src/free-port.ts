import { createServer } from 'node:net';
import { PortTaken } from '@droppio/platform';

/** The port itself if nobody has it, or a free one for 0. Throws `PortTaken`, which names the setting. */
export function claimPort(host: string, port: number, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () => {
      reject(new PortTaken(host, port, setting));
    });
    probe.listen({ host, port }, () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  });
}
