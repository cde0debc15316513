import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { JsonPost } from './json-post.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(listener: RequestListener): Promise<{ post: JsonPost; connections: () => number }> {
  let connections = 0;
  server = createServer({ keepAliveTimeout: 5000 }, listener).on('connection', () => (connections += 1));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    post: new JsonPost(`http://user:pass@127.0.0.1:${String((server.address() as AddressInfo).port)}/key`),
    connections: () => connections,
  };
}
const quick = { timeoutMs: 2000 };

describe(JsonPost.name, () => {
  it('sends the path, the credentials and the body of its address, over one connection', async () => {
    const seen: unknown[] = [];
    const { post, connections } = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => seen.push([request.url, request.headers.authorization, chunk.toString()]));
      request.on('end', () => response.end('{"ok":1}'));
    });
    expect(await post.post('{"a":"ü"}', quick)).toEqual({ status: 200, retryAfter: undefined, body: '{"ok":1}' });
    await post.post('{}', quick);
    expect(seen[0]).toEqual(['/key', `Basic ${Buffer.from('user:pass').toString('base64')}`, '{"a":"ü"}']);
    expect(connections()).toBe(1);
  });

  it('gives up in time, whether the head or the rest of an answer is late', async () => {
    const { post } = await serve((request, response) => {
      if (request.headers['content-length'] === '2') response.writeHead(200).write('{');
    });
    for (const body of ['{"mute":1}', '{}']) await expect(post.post(body, { timeoutMs: 100 })).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('stops when it is no longer wanted, also before it began', async () => {
    const { post } = await serve(() => undefined);
    const wanted = new AbortController();
    const posting = post.post('{}', { ...quick, signal: wanted.signal });
    wanted.abort();
    await expect(posting).rejects.toMatchObject({ kind: 'timeout' });
    await expect(post.post('{}', { ...quick, signal: wanted.signal })).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('survives connections that the server closed meanwhile', async () => {
    let answered = 0;
    const { post } = await serve((request, response) => {
      answered += 1;
      // Says that it keeps the connection, and does not.
      response.end('{}', () => setImmediate(() => request.socket.destroy()));
    });
    for (let n = 0; n < 20; n += 1) expect((await post.post('{}', quick)).status).toBe(200);
    expect(answered).toBe(20);
  });

  it('says when nobody listens', async () => {
    await expect(new JsonPost('http://127.0.0.1:9').post('{}', quick)).rejects.toMatchObject({ kind: 'network', text: 'ECONNREFUSED' });
  });
});
