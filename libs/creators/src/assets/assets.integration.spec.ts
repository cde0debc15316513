import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { crc32, deflateSync } from 'node:zlib';
import { register } from 'prom-client';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MEDIA_BYTES } from '../metrics.js';
import { aWav, startTestApi, type Answer, type TestApi, type TestCreator } from '../testing/index.js';

interface Asset {
  readonly id: string;
  readonly kind: string;
  readonly type: string;
  readonly url: string;
  readonly bytes: number;
}

let api: TestApi;
let ada: TestCreator;
let eve: TestCreator;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'), { quota: { count: 40, bytes: 3_000_000 } });
  [ada, eve] = [await api.aCreator(), await api.aCreator()];
});

afterAll(() => api.close());

const upload = (body: Uint8Array, type: string, { accessToken: token }: TestCreator = ada, headers = {}): Promise<Answer> =>
  api.call('POST', '/v1/assets', { token, body, headers: { 'content-type': type, ...headers } });
const aPng = (side = 8): Promise<Buffer> =>
  sharp(randomBytes(side * side * 4), { raw: { width: side, height: side, channels: 4 } })
    .png()
    .toBuffer();
const stored = async (body: Uint8Array, type: string, owner = ada): Promise<Asset> => {
  const answer = await upload(body, type, owner);
  expect(answer.status, answer.text).toBe(201);
  return answer.json as Asset;
};
/** The file as pages get it. */
const media = (id: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${api.url}/overlay/media/${id}`, { method, headers, signal: AbortSignal.timeout(10_000) });
const bytesOf = async (id: string): Promise<Buffer> => Buffer.from(await (await media(id)).arrayBuffer());

describe('an uploaded image', () => {
  it('becomes WebP, and is there for pages under its id alone', async () => {
    const asset = await stored(await aPng(), 'image/png');
    expect(asset).toMatchObject({ kind: 'image', type: 'image/webp', width: 8, height: 8, frames: 1, name: '' });
    expect(asset.id).toMatch(/^ast_[A-Za-z0-9]{24}$/);
    expect(asset.url).toBe(`https://tips.test/overlay/media/${asset.id}`);
    const answer = await media(asset.id);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/webp',
      'content-length': String(asset.bytes),
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      etag: `"${asset.id}"`,
    });
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect((await sharp(Buffer.from(await answer.arrayBuffer())).metadata()).format).toBe('webp');
  });

  it('has lost where it was taken, and by whom', async () => {
    const plain = await sharp({ create: { width: 20, height: 10, channels: 3, background: '#369' } })
      .withExif({ IFD0: { Copyright: 'canary' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } })
      .jpeg()
      .toBuffer();
    expect(plain.includes('canary')).toBe(true);
    const { id } = await stored(plain, 'image/jpeg');
    const bytes = await bytesOf(id);
    expect(bytes.includes('canary')).toBe(false);
    const facts = Object.keys(await sharp(bytes).metadata());
    expect(facts.filter((name) => ['exif', 'xmp', 'icc', 'iptc', 'comments'].includes(name))).toEqual([]);
  });

  it('stands upright without the note that turned it', async () => {
    const lying = await sharp({ create: { width: 20, height: 10, channels: 3, background: '#963' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    expect(await stored(lying, 'image/jpeg')).toMatchObject({ width: 10, height: 20 });
  });

  it('may move, as it did', async () => {
    const frames = await Promise.all(
      ['#204060', '#402060', '#206040'].map((background) =>
        sharp({ create: { width: 30, height: 20, channels: 4, background } })
          .png()
          .toBuffer(),
      ),
    );
    const gif = await sharp(frames, { join: { animated: true } })
      .gif({ delay: [200, 300, 400], loop: 2 })
      .toBuffer();
    const asset = await stored(gif, 'image/gif');
    expect(asset).toMatchObject({ type: 'image/webp', width: 30, height: 20, frames: 3, durationMs: 900 });
    expect(await sharp(await bytesOf(asset.id), { animated: true }).metadata()).toMatchObject({
      pages: 3,
      delay: [200, 300, 400],
      loop: 2,
    });
  });

  it('is drawn smaller when it is larger than any overlay', async () => {
    const large = await sharp({ create: { width: 3000, height: 1500, channels: 3, background: '#123456' } })
      .png()
      .toBuffer();
    expect(await stored(large, 'image/png')).toMatchObject({ width: 1280, height: 640 });
  });
});

describe('an uploaded sound', () => {
  it('is stored as it is', async () => {
    const wav = aWav({ seconds: 0.5 });
    const asset = await stored(wav, 'audio/wav');
    expect(asset).toMatchObject({ kind: 'sound', type: 'audio/wav', durationMs: 500, bytes: wav.length });
    expect((await bytesOf(asset.id)).equals(wav)).toBe(true);
    expect((await media(asset.id)).headers.get('content-type')).toBe('audio/wav');
  });

  it('may come from a browser that knows no name for it', async () => {
    expect((await upload(aWav(), 'application/octet-stream')).status).toBe(201);
    expect((await upload(aWav(), 'audio/x-wav; codecs=1')).status).toBe(201);
  });
});

const png = await aPng();
const wav = aWav();
const gif = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#fff' } })
  .gif()
  .toBuffer();
const zip = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), randomBytes(200)]);

const halfPng = (await aPng(64)).subarray(0, 900);

describe('what is no harmless image or sound', () => {
  it.each([
    ['an SVG', 'image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'), 415],
    ['an SVG that says it is a PNG', 'image/png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 415],
    ['a page', 'text/html', Buffer.from('<!doctype html><script>alert(1)</script>'), 415],
    ['a page that says it is a GIF', 'image/gif', Buffer.from('<!doctype html><script>alert(1)</script>'), 415],
    ['a script that begins like a GIF', 'image/gif', Buffer.from('GIF89a/*' + '\0'.repeat(40) + '*/=1;alert(1)'), 400],
    ['a ZIP', 'application/zip', zip, 415],
    ['a ZIP that says it is a sound', 'audio/wav', zip, 415],
    ['a program', 'application/octet-stream', Buffer.concat([Buffer.from('\x7fELF', 'latin1'), randomBytes(99)]), 415],
    ['a PDF', 'application/pdf', Buffer.from('%PDF-1.7\n'), 415],
    ['a TIFF', 'image/tiff', Buffer.from('II*\0', 'latin1'), 415],
    ['a PNG that says it is a JPEG', 'image/jpeg', png, 415],
    ['a PNG that says it is a page', 'text/html', png, 415],
    ['a PNG without a type', '', png, 415],
    ['a WAV that says it is a PNG', 'image/png', wav, 415],
    ['half a PNG', 'image/png', halfPng, 400],
    ['a PNG with a damaged middle', 'image/png', Buffer.concat([png.subarray(0, 60), randomBytes(30), png.subarray(90)]), 400],
    ['half a WAV', 'audio/wav', wav.subarray(0, wav.length / 2), 400],
    ['a WAV with a ZIP behind it', 'audio/wav', Buffer.concat([wav, zip]), 400],
    ['the first bytes of a PNG', 'image/png', png.subarray(0, 8), 400],
    ['a WAV of 31 seconds', 'audio/wav', aWav({ seconds: 31, hertz: 8000 }), 400],
    ['an MP3 that is noise', 'audio/mpeg', Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x00]), randomBytes(2000)]), 400],
    ['an Ogg that is noise', 'audio/ogg', Buffer.concat([Buffer.from('OggS\0\x02', 'latin1'), randomBytes(2000)]), 400],
    ['nothing', 'image/png', Buffer.alloc(0), 400],
  ])('is refused: %s', async (_what, type, body, status) => {
    const before = await api.sql('SELECT count(*) FROM assets');
    const answer = await upload(body, type);
    expect(answer.status, answer.text).toBe(status);
    const code = (answer.json as { code: string }).code;
    expect(['asset-refused', 'unsupported-media-type', 'invalid-request']).toContain(code);
    expect(answer.text).not.toMatch(/vips|libpng|Vips|buffer/);
    expect(await api.sql('SELECT count(*) FROM assets')).toEqual(before);
  });

  it('is a picture of 30 000 x 30 000 that takes a hundred kilobytes: refused for its size, before anything of it is decoded', async () => {
    const { json } = await upload(aBomb(30_000), 'image/png');
    expect(json).toMatchObject({ status: 400, detail: expect.stringContaining('pixels') as string });
  });

  it('leaves what is hidden behind a picture behind', async () => {
    for (const [body, type] of [
      [Buffer.concat([png, Buffer.from('<script>alert("canary")</script>')]), 'image/png'],
      [Buffer.concat([gif, zip, Buffer.from('*/alert("canary")//')]), 'image/gif'],
    ] as const) {
      const bytes = await bytesOf((await stored(body, type)).id);
      expect(bytes.toString('latin1', 0, 4) + bytes.toString('latin1', 8, 12)).toBe('RIFFWEBP');
      expect(bytes.includes('canary') || bytes.includes('PK\x03\x04')).toBe(false);
    }
  });

  it('flashes', async () => {
    const frames = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        sharp({ create: { width: 20, height: 20, channels: 4, background: n % 2 === 0 ? '#000' : '#fff' } })
          .png()
          .toBuffer(),
      ),
    );
    const strobe = await sharp(frames, { join: { animated: true } })
      .gif({ delay: Array<number>(10).fill(100) })
      .toBuffer();
    const { status, json } = await upload(strobe, 'image/gif');
    expect(status).toBe(400);
    expect(json).toMatchObject({ code: 'asset-refused', detail: expect.stringContaining('flashes') as string });
  });

  it('has too many frames, lasts too long, or is too large in all', async () => {
    const film = async (count: number, side: number, delay: number): Promise<Buffer> => {
      const background = (n: number) => ({ r: (n * 37) % 256, g: (n * 91) % 256, b: (n * 53) % 256 });
      const frame = (n: number) => sharp({ create: { width: side, height: side, channels: 3, background: background(n) } });
      const frames = await Promise.all(Array.from({ length: count }, (_, n) => frame(n).png().toBuffer()));
      return sharp(frames, { join: { animated: true } })
        .webp({ delay: Array<number>(count).fill(delay), effort: 0, lossless: true })
        .toBuffer();
    };
    for (const body of [await film(241, 1, 50), await film(4, 2, 5000), await film(2, 3000, 1000)]) {
      const { status, text } = await upload(body, 'image/webp');
      expect(status, text).toBe(400);
    }
  });
});

describe('an upload', () => {
  it('is bounded: what is announced to be longer is refused at once, and what grows longer is cut', async () => {
    const answer = await upload(Buffer.alloc(2 * 1024 * 1024 + 1), 'audio/wav');
    expect(answer.json).toMatchObject({ status: 413, code: 'body-too-large' });
    expect((await upload(Buffer.concat([await aPng(), Buffer.alloc(1024 * 1024)]), 'image/png')).status).toBe(413);
    expect(await endless(ada.accessToken)).toEqual({ status: 413, connection: 'close' });
  });

  it('is not read from somebody who may not upload', async () => {
    expect(await endless('dro_pat_nobody')).toEqual({ status: 401, connection: 'close' });
    const { json } = await api.call('POST', '/v1/tokens', { token: ada.accessToken, body: { name: 'r', scopes: ['read'] } });
    expect(await endless((json as { accessToken: string }).accessToken)).toEqual({ status: 403, connection: 'close' });
  });

  it('may not be packed', async () => {
    expect((await upload(aWav(), 'audio/wav', ada, { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  it('of the same file is the same asset, also at the same time; of another creator another', async () => {
    const png = await aPng();
    const { id } = await stored(png, 'image/png', eve);
    const again = await upload(png, 'image/png', eve);
    expect([again.status, (again.json as Asset).id]).toEqual([200, id]);
    expect((await stored(png, 'image/png')).id).not.toBe(id);
  });

  it('is done once for a key, and another file with that key is refused', async () => {
    const [wav, other] = [aWav(), aWav()];
    const keyed = (body: Buffer, type = 'audio/wav') => upload(body, type, eve, { 'idempotency-key': 'one upload' });
    const first = await keyed(wav);
    const again = await keyed(wav);
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await keyed(other)).json).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    expect((await keyed(wav, 'audio/x-wav')).status).toBe(422);
  });

  it('has a name when it is given one', async () => {
    const { json } = await api.call('POST', '/v1/assets?name=Big%20%3Cb%3Ebell%E2%80%AE', {
      token: ada.accessToken,
      body: aWav(),
      headers: { 'content-type': 'audio/wav' },
    });
    expect(json).toMatchObject({ name: 'Big <b>bell' });
  });

  it('leaves a line in the audit log, with the id of what was made', async () => {
    const { id } = await stored(aWav(), 'audio/wav');
    const { json } = await api.call('GET', '/v1/audit?limit=1', { token: ada.accessToken });
    expect(json).toMatchObject({ data: [{ operation: 'uploadAsset', outcome: 'done', targets: { made: id } }] });
  });

  it('finds no room above the quota, in number and in bytes', async () => {
    const bob = await api.aCreator();
    for (let n = 0; n < 40; n += 1) await stored(aWav(), 'audio/wav', bob);
    expect((await upload(aWav(), 'audio/wav', bob)).json).toMatchObject({ status: 409, code: 'limit-reached' });
    const carl = await api.aCreator();
    await stored(aWav({ seconds: 10, hertz: 96_000 }), 'audio/wav', carl);
    expect((await upload(aWav({ seconds: 7, hertz: 96_000 }), 'audio/wav', carl)).json).toMatchObject({
      status: 409,
      code: 'limit-reached',
    });
    const { json } = await api.call('GET', '/v1/assets', { token: carl.accessToken });
    expect(json).toMatchObject({ quota: { used: { count: 1, bytes: 1_920_044 }, most: { count: 40, bytes: 3_000_000 } } });
  });
});

describe('a file', () => {
  it('is not sent again to who has it', async () => {
    const { id, bytes } = await stored(aWav(), 'audio/wav');
    for (const tag of [`"${id}"`, `W/"${id}"`, `"x", "${id}"`, '*']) {
      const answer = await media(id, { 'if-none-match': tag });
      expect([answer.status, await answer.text(), answer.headers.get('etag')]).toEqual([304, '', `"${id}"`]);
    }
    expect((await media(id, { 'if-none-match': '"x"' })).status).toBe(200);
    const head = await media(id, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(bytes), '']);
  });

  it.each(['ast_', `ast_${'0'.repeat(24)}`, '..%2f..%2fetc%2fpasswd', '%2e%2e', 'ast_%00', "ast_'--", 'x'.repeat(64), '__proto__'])(
    'is not there under %s',
    async (id) => {
      const answer = await media(id, { 'if-none-match': '*' });
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, 'no-store']);
    },
  );

  it('is gone when it is removed, also for who had it', async () => {
    const { id } = await stored(aWav(), 'audio/wav');
    expect((await api.call('DELETE', `/v1/assets/${id}`, { token: ada.accessToken })).status).toBe(204);
    expect((await media(id, { 'if-none-match': `"${id}"` })).status).toBe(404);
    expect((await api.call('GET', `/v1/assets/${id}`, { token: ada.accessToken })).status).toBe(404);
  });

  it('takes up room only until its readers have it, or have gone', async () => {
    const { id } = await stored(aWav({ seconds: 5, hertz: 48_000 }), 'audio/wav', eve);
    const away = new AbortController();
    const readers = Array.from({ length: 20 }, () =>
      fetch(`${api.url}/overlay/media/${id}`, { signal: away.signal }).catch(() => undefined),
    );
    await Promise.all(readers.slice(0, 10));
    away.abort();
    await Promise.all(readers);
    const onTheirWay = async (): Promise<unknown> => (await register.getSingleMetric(MEDIA_BYTES)?.get())?.values[0]?.value;
    await expect.poll(onTheirWay).toBe(0);
  });
});

describe('an asset in a config', () => {
  const look = (image: string, sound: string) => ({
    schemaVersion: 1,
    defaults: { image: { asset: image, maxHeightPct: 30 }, sound: { asset: sound, volume: 1 } },
  });
  const validate = async (body: unknown): Promise<string[]> => {
    const { json } = await api.call('POST', `/v1/overlays/${ada.overlayId}/config/validate`, { token: ada.accessToken, body });
    return (json as { warnings: { pointer: string; code: string }[] }).warnings.map(({ pointer, code }) => `${pointer} ${code}`);
  };

  it('is warned of when it is not there, is another’s, or is of another kind: the first two alike', async () => {
    const [image, sound] = [await stored(await aPng(), 'image/png'), await stored(aWav(), 'audio/wav')];
    const hers = await stored(await aPng(), 'image/png', eve);
    expect(await validate(look(image.id, sound.id))).toEqual([]);
    expect(await validate(look(hers.id, `ast_${'0'.repeat(24)}`))).toEqual([
      '/defaults/image/asset asset-unknown',
      '/defaults/sound/asset asset-unknown',
    ]);
    expect(await validate(look(sound.id, image.id))).toEqual([
      '/defaults/image/asset asset-of-another-kind',
      '/defaults/sound/asset asset-of-another-kind',
    ]);
  });

  it('stays as long as it is used, unless it is to go all the same', async () => {
    const { id } = await stored(await aPng(), 'image/png');
    const put = await api.call('PUT', `/v1/overlays/${ada.overlayId}/config`, {
      token: ada.accessToken,
      headers: { 'if-match': '*' },
      body: look(id, 'chime'),
    });
    expect(put.status).toBe(200);
    const path = `/v1/assets/${id}`;
    expect((await api.call('GET', path, { token: ada.accessToken })).json).toMatchObject({ usedBy: [{ id: ada.overlayId, name: 'main' }] });
    const refused = await api.call('DELETE', path, { token: ada.accessToken });
    expect(refused.json).toMatchObject({ status: 409, code: 'asset-in-use', detail: expect.stringContaining('“main”') as string });
    expect((await api.call('DELETE', `${path}?force=true`, { token: eve.accessToken })).status).toBe(404);
    expect((await api.call('DELETE', `${path}?force=true`, { token: ada.accessToken })).status).toBe(204);
    expect(await validate(look(id, 'chime'))).toEqual(['/defaults/image/asset asset-unknown']);
  });

  it('goes with its account, and is named in what that takes along', async () => {
    const zoe = await api.aCreator();
    const { id } = await stored(aWav(), 'audio/wav', zoe);
    const taken = await api.call('GET', '/v1/me/export', { token: zoe.accessToken });
    expect(taken.json).toMatchObject({ assets: [{ id, file: `/overlay/media/${id}`, kind: 'sound' }] });
    expect((await api.call('DELETE', '/v1/me', { token: zoe.accessToken, body: { handle: zoe.handle } })).status).toBe(204);
    expect((await media(id)).status).toBe(404);
  });
});

describe('afterwards', () => {
  it('nothing was a fault of ours, and no file is in a log', () => {
    expect(api.logger.text()).not.toMatch(/^(error|fatal) /m);
    expect(api.logger.text()).not.toContain('canary');
  });
});

/** A valid PNG with one bit a pixel, all of them black. */
function aBomb(side: number): Buffer {
  const chunk = (name: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.writeUInt8(1, 8);
  const rows = deflateSync(Buffer.alloc(side * (1 + side / 8)));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Sends as long as it is let, in a body of unknown length. */
function endless(token: string): Promise<{ status: number | undefined; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    const sending = request(`${api.url}/v1/assets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'audio/wav' },
    });
    const chunk = randomBytes(64 * 1024);
    let left = 400;
    const more = (): void => {
      while (left > 0 && sending.writable) {
        left -= 1;
        if (!sending.write(chunk)) {
          sending.once('drain', more);
          return;
        }
      }
    };
    sending.on('response', (response) => {
      left = 0;
      resolve({ status: response.statusCode, connection: response.headers.connection });
      sending.destroy();
    });
    sending.on('error', reject);
    more();
  });
}
