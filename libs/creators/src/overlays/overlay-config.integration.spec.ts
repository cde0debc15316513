import { DEFAULT_OVERLAY_CONFIG, TipLedger, type CreatorEvent } from '@droppio/tips';
import { OverlayConfigDocument } from '@droppio/tips/overlay-schema';
import { anOverlayConfig, hostileJson } from '@droppio/tips/testing/overlay-configs';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { startTestApi, type Answer, type TestApi, type TestCreator } from '../testing/index.js';

let api: TestApi;
let ada: TestCreator;
let path: string;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
});
beforeEach(async () => {
  ada = await api.aCreator();
  path = `/v1/overlays/${ada.overlayId}/config`;
});
afterAll(() => api.close());

const put = (body: unknown, ifMatch?: string, token = ada.accessToken): Promise<Answer> =>
  api.call('PUT', path, { token, body, ...(ifMatch === undefined ? {} : { headers: { 'if-match': ifMatch } }) });
const get = (headers: Record<string, string> = {}): Promise<Answer> => api.call('GET', path, { token: ada.accessToken, headers });
const validate = (body: unknown): Promise<Answer> => api.call('POST', `${path}/validate`, { token: ada.accessToken, body });
const lasting = (durationMs: number): object => ({ schemaVersion: 1, defaults: { durationMs } });
const events = (): Promise<readonly CreatorEvent[]> => api.app.get(TipLedger, { strict: false }).eventsAfter(ada.id, 1, 100);

describe('the config of an overlay', () => {
  it('is read whole, replaced by whoever has read it, and told to open pages', async () => {
    const before = await get();
    expect({ status: before.status, json: before.json, tag: before.headers.get('etag') }).toEqual({
      status: 200,
      json: DEFAULT_OVERLAY_CONFIG,
      tag: '"v1"',
    });
    const changed = await put(lasting(4000), '"v1"');
    expect({ status: changed.status, tag: changed.headers.get('etag') }).toEqual({ status: 200, tag: '"v2"' });
    expect(changed.json).toEqual(OverlayConfigDocument.parse(lasting(4000)));
    const after = await get();
    expect({ json: after.json, tag: after.headers.get('etag') }).toEqual({ json: changed.json, tag: '"v2"' });
    expect(await events()).toMatchObject([{ type: 'config', d: { overlayId: ada.overlayId, config: { defaults: { durationMs: 4000 } } } }]);
    expect(api.relay.drained.at(-1)).toBe(ada.id);
  });

  it('is not sent again to whoever has it', async () => {
    // Without the second header Node would say that it wants no cached answer.
    const has = (tag: string) => get({ 'if-none-match': tag, 'cache-control': 'max-age=0' });
    const { status, text } = await has('"v1"');
    expect({ status, text }).toEqual({ status: 304, text: '' });
    expect((await has('"v2"')).status).toBe(200);
  });

  it.each([
    ['no If-Match', undefined, 428, 'precondition-required'],
    ['an older version', '"v1"', 412, 'precondition-failed'],
    ['a weak tag', 'W/"v2"', 412, 'precondition-failed'],
    ['a tag of somebody else', '"33a64df5"', 412, 'precondition-failed'],
    ['no list of tags', 'v2', 400, 'invalid-request'],
  ])('stays as it is with %s', async (_what, ifMatch, status, code) => {
    await put(lasting(4000), '"v1"');
    expect((await put(lasting(9000), ifMatch)).json).toMatchObject({ status, code });
    expect((await get()).json).toMatchObject({ defaults: { durationMs: 4000 } });
  });

  it('may be replaced whatever it is, by whoever says so', async () => {
    expect((await put(lasting(4000), '*')).headers.get('etag')).toBe('"v2"');
    expect((await put(lasting(5000), '"v9", "v2"')).headers.get('etag')).toBe('"v3"');
  });

  it('loses no change when twelve moderators save at once', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => put(lasting(3000 + n), '"v1"')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 11 }, () => 412)]);
    const winner = answers.find(({ status }) => status === 200);
    expect((await get()).json).toEqual(winner?.json);
    expect(await events()).toHaveLength(1);
  });

  it('cannot be changed beside its ETag', async () => {
    const answer = await api.call('PATCH', path.replace('/config', ''), { token: ada.accessToken, body: { config: lasting(9000) } });
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid-request' });
    expect((await get()).headers.get('etag')).toBe('"v1"');
  });

  it('has errors that point to their place', async () => {
    const { json } = await put(
      { schemaVersion: 1, defaults: { template: 'Thanks {nmae}' }, tiers: [{ id: 'a' }, { id: 'a' }], css: 'x' },
      '*',
    );
    expect(json).toMatchObject({
      status: 400,
      errors: expect.arrayContaining([
        { in: 'body', pointer: '/defaults/template', message: 'there is no variable {nmae} (at character 8)' },
        { in: 'body', pointer: '/tiers/1/id', message: 'another tier has this id' },
      ]) as unknown,
    });
  });

  it('gives back every valid document exactly', async () => {
    await fc.assert(
      fc.asyncProperty(anOverlayConfig(), async (given) => {
        const { status, json } = await put(given, '*');
        expect(status).toBe(200);
        expect(json).toStrictEqual(OverlayConfigDocument.parse(given));
        expect((await get()).json).toStrictEqual(json);
      }),
      { numRuns: 25 },
    );
  });

  it('keeps what it is whatever is sent instead of a document', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('tiers', 'defaults', 'canvas', '__proto__', 'x'), hostileJson(), async (field, poison) => {
        const body = `{"schemaVersion":1,${JSON.stringify(field)}:${JSON.stringify(poison)}}`;
        const { status } = await put(body, '*');
        expect([200, 400]).toContain(status);
      }),
      { numRuns: 60 },
    );
    expect(OverlayConfigDocument.safeParse((await get()).json).success).toBe(true);
  });

  it('is out of reach of another creator, who learns nothing of its version', async () => {
    const eve = await api.aCreator();
    for (const ifMatch of ['*', '"v1"', '"v7"']) {
      expect((await put(lasting(9000), ifMatch, eve.accessToken)).json).toMatchObject({ status: 404, code: 'not-found' });
    }
    expect((await get()).headers.get('etag')).toBe('"v1"');
  });
});

describe('trying a config', () => {
  it('says what it would be and what is probably not meant, and saves nothing', async () => {
    const { status, json } = await validate({
      schemaVersion: 1,
      defaults: {
        font: { color: '#888888', sizePx: 16 },
        card: { background: '#777777' },
        sound: { asset: `ast_${'a'.repeat(16)}`, volume: 1 },
      },
    });
    expect(status).toBe(200);
    const { config, warnings } = json as { config: unknown; warnings: { pointer: string; code: string }[] };
    expect(OverlayConfigDocument.safeParse(config).success).toBe(true);
    expect(warnings.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
      '/defaults/font/color low-contrast',
      '/defaults/font/sizePx small-text',
      '/defaults/sound/asset asset-unknown',
    ]);
    expect((await get()).headers.get('etag')).toBe('"v1"');
    expect(await events()).toEqual([]);
  });

  it('finds nothing wrong with what every overlay begins with, and refuses what would be refused', async () => {
    expect((await validate({ schemaVersion: 1 })).json).toMatchObject({ warnings: [], config: DEFAULT_OVERLAY_CONFIG });
    expect((await validate({ schemaVersion: 1, widget: 'roulette' })).status).toBe(400);
  });
});

describe('an overlay', () => {
  it('is removed with all that opens it', async () => {
    const overlay = path.replace('/config', '');
    expect((await api.call('GET', '/v1/me', { token: ada.overlayToken })).status).toBe(403);
    expect((await api.call('DELETE', overlay, { token: ada.accessToken })).status).toBe(204);
    expect((await api.call('GET', '/v1/me', { token: ada.overlayToken })).status).toBe(401);
    expect((await api.call('DELETE', overlay, { token: ada.accessToken })).status).toBe(404);
    expect((await get()).status).toBe(404);
    expect((await put(lasting(4000), '*')).status).toBe(404);
    expect(await events()).toMatchObject([{ type: 'config', d: { overlayId: ada.overlayId, enabled: false } }]);
  });

  it('is told to load itself anew', async () => {
    const { status, json } = await api.call('POST', path.replace('/config', '/reload'), { token: ada.accessToken });
    expect(status).toBe(202);
    const { id } = json as { id: string };
    expect(await events()).toMatchObject([{ type: 'control', id, d: { action: 'reload', overlayId: ada.overlayId } }]);
  });
});
