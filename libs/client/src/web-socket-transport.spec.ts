import { describe, expect, it } from 'vitest';
import type { Closing } from './transport.js';
import { WebSocketTransport } from './web-socket-transport.js';

describe(WebSocketTransport.name, () => {
  it('tells of a URL that no socket can be made from as of any failed attempt', async () => {
    class Refusing {
      readonly readyState = 0;
      constructor() {
        throw new SyntaxError('bad url');
      }
      send(): void {}
      close(): void {}
      addEventListener(): void {}
    }
    const closing = await new Promise<Closing>((resolve) => {
      new WebSocketTransport('nonsense', Refusing).open(() => ({ op: 'auth', token: 't' }), {
        frame: () => undefined,
        closed: resolve,
      });
    });
    expect(closing).toEqual({ code: 1006, why: 'SyntaxError' });
  });

  it.skipIf('WebSocket' in globalThis)('says what is missing in a runtime without sockets', () => {
    expect(() => new WebSocketTransport('ws://127.0.0.1:1/overlay')).toThrow(/pass a constructor/);
  });
});
