import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createDataSource } from './data-source.js';

const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
const authenticated = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);

/** The message of a server that ends a session. */
function farewell(): Buffer {
  const fields = Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0');
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  // All at once, so that the end is read before anybody has got the connection.
  socket.once('data', () => socket.end(Buffer.concat([authenticated, ready, farewell()])));
});
afterEach(() => server.close());

it('outlives a server that ends a connection in the moment it is made', async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const source = createDataSource({ url: `postgres://u@127.0.0.1:${String(port)}/d`, migrate: false, poolSize: 1 });
  await expect(source.initialize()).rejects.toThrow();
});
