import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { DEFAULT_WEBHOOK_EVENT_TYPES, WEBHOOK_EVENT_TYPES, WEBHOOK_TRIAL_TYPE } from '@droppio/tips';
import { readDocument, startTestApi, type Answer, type ApiDocument, type TestApi, type TestCreator } from '../testing/index.js';
import { WebhookEvent } from './webhook-event.schema.js';

const STRANGER = '00000000-0000-4000-8000-000000000000';
const URL_A = 'https://hooks.example.com/a';

let api: TestApi;
let document: ApiDocument;
let ada: TestCreator;
let eve: TestCreator;

beforeAll(async () => {
  api = await startTestApi(inject('postgresUrl'));
  document = readDocument((await api.call('GET', '/openapi.json')).json);
  [ada, eve] = [await api.aCreator(), await api.aCreator()];
});

afterAll(() => api.close());

interface Shown {
  readonly id: string;
  readonly secret: string;
  readonly version: number;
}

/** Asks, and holds the answer against the document. */
async function ask(
  operationId: string,
  path: string,
  { who = ada, ...options }: { who?: TestCreator; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const route = document.routes.find((each) => each.operationId === operationId);
  if (route === undefined) throw new Error(`no ${operationId}`);
  const answer = await api.call(route.method, `/v1/webhooks${path}`, { token: who.accessToken, ...options });
  document.check(operationId, answer.status, answer.json);
  return answer;
}

async function aWebhook(who = ada, body: object = { url: URL_A }): Promise<Shown> {
  const answer = await ask('createWebhook', '', { who, body });
  expect(answer.status, answer.text).toBe(201);
  return answer.json as Shown;
}

describe('webhooks over REST', () => {
  it('shows a secret when it is made, and never again', async () => {
    const made = await aWebhook();
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(made).toMatchObject({ url: URL_A, types: DEFAULT_WEBHOOK_EVENT_TYPES, enabled: true, disabledReason: null, version: 1 });
    const later = await Promise.all([
      ask('getWebhook', `/${made.id}`),
      ask('listWebhooks', ''),
      ask('changeWebhook', `/${made.id}`, { body: { description: 'mine' }, headers: { 'if-match': '"v1"' } }),
      ask('testWebhook', `/${made.id}/test`),
      ask('listWebhookDeliveries', `/${made.id}/deliveries`),
    ]);
    for (const { status, text } of later) {
      expect(status).toBeLessThan(300);
      expect(text).not.toContain('whsec_');
      expect(text).not.toMatch(/"secret"/);
    }
  });

  it('changes for the expected version only', async () => {
    const { id } = await aWebhook();
    const change = (body: object, tag?: string) =>
      ask('changeWebhook', `/${id}`, { body, ...(tag === undefined ? {} : { headers: { 'if-match': tag } }) });
    expect((await change({ enabled: false })).status).toBe(428);
    const disabled = await change({ enabled: false }, '"v1"');
    expect(disabled.json).toMatchObject({ enabled: false, disabledReason: 'asked', version: 2 });
    expect(disabled.headers.get('etag')).toBe('"v2"');
    expect((await change({ enabled: true }, '"v1"')).status).toBe(412);
    expect((await change({ enabled: true, resume: 'now' }, '"v2"')).json).toMatchObject({ enabled: true, disabledReason: null });
    expect((await ask('getWebhook', `/${id}`)).headers.get('etag')).toBe('"v3"');
  });

  it('tells a new secret, and until when the one before signs', async () => {
    const { id, secret } = await aWebhook();
    const { json } = await ask('rotateWebhookSecret', `/${id}/rotate-secret`);
    const rotated = json as Shown & { previousSecretUntil: string };
    expect(rotated.secret).not.toBe(secret);
    const hours = (Date.parse(rotated.previousSecretUntil) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24.1);
  });

  it('plans trials, pages through what was sent, and sends again', async () => {
    const { id } = await aWebhook(eve);
    const trials: Shown[] = [];
    for (let i = 0; i < 3; i += 1) trials.push((await ask('testWebhook', `/${id}/test`, { who: eve })).json as Shown);
    const first = (await ask('listWebhookDeliveries', `/${id}/deliveries?limit=2`, { who: eve })).json as {
      data: Shown[];
      page: { next: string };
    };
    const second = await ask('listWebhookDeliveries', `/${id}/deliveries?limit=2&cursor=${first.page.next}`, { who: eve });
    expect([...first.data, ...(second.json as { data: Shown[] }).data].map((each) => each.id)).toEqual(
      trials.map((each) => each.id).reverse(),
    );
    expect(second.json).toMatchObject({ page: { next: null, hasMore: false } });
    const none = await ask('listWebhookDeliveries', `/${id}/deliveries?state=failed`, { who: eve });
    expect(none.json).toMatchObject({ data: [] });
    const again = await ask('redeliverWebhookDelivery', `/${id}/deliveries/${trials[0]?.id ?? ''}/redeliver`, { who: eve });
    expect(again.json).toMatchObject({ id: trials[0]?.id, type: WEBHOOK_TRIAL_TYPE, state: 'pending', seq: null });
    expect((await ask('listWebhookDeliveries', `/${id}/deliveries?cursor=nothing`, { who: eve })).status).toBe(400);
  });

  it.each([
    'http://hooks.example.com/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://[::ffff:169.254.169.254]/',
    'https://localhost/',
    'https://user:pass@hooks.example.com/',
    'https://hooks.example.com:6379/',
    'https://unknown.example.net/',
    'https://hooks.example.com\\@127.0.0.1/',
  ])('refuses %s, when made and when changed', async (url) => {
    const { id } = await anyOf(ada);
    for (const answer of [
      await ask('createWebhook', '', { body: { url } }),
      await ask('changeWebhook', `/${id}`, { body: { url }, headers: { 'if-match': '*' } }),
    ]) {
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ code: 'webhook-refused' });
    }
  });

  it('refuses what makes no sense', async () => {
    for (const body of [
      {},
      { url: URL_A, types: [] },
      { url: URL_A, types: ['tip'] },
      { url: URL_A, types: [WEBHOOK_EVENT_TYPES[0], WEBHOOK_EVENT_TYPES[0]] },
      { url: URL_A, secret: 'mine' },
      { url: 7 },
    ]) {
      expect((await ask('createWebhook', '', { body })).status).toBe(400);
    }
    const { id } = await anyOf(ada);
    for (const body of [{}, { resume: 'now' }, { enabled: false, resume: 'missed' }, { creatorId: ada.id }]) {
      expect((await ask('changeWebhook', `/${id}`, { body, headers: { 'if-match': '*' } })).status).toBe(400);
    }
  });

  it('keeps each creator to his own', async () => {
    const { id } = await aWebhook();
    const trial = (await ask('testWebhook', `/${id}/test`)).json as Shown;
    const own = await anyOf(eve);
    const tried = await Promise.all([
      ask('getWebhook', `/${id}`, { who: eve }),
      ask('changeWebhook', `/${id}`, { who: eve, body: { enabled: false }, headers: { 'if-match': '*' } }),
      ask('removeWebhook', `/${id}`, { who: eve }),
      ask('rotateWebhookSecret', `/${id}/rotate-secret`, { who: eve }),
      ask('testWebhook', `/${id}/test`, { who: eve }),
      ask('listWebhookDeliveries', `/${id}/deliveries`, { who: eve }),
      ask('redeliverWebhookDelivery', `/${id}/deliveries/${trial.id}/redeliver`, { who: eve }),
      ask('redeliverWebhookDelivery', `/${own.id}/deliveries/${trial.id}/redeliver`, { who: eve }),
      ask('getWebhook', `/${STRANGER}`),
    ]);
    expect(tried.map(({ status }) => status)).toEqual(tried.map(() => 404));
    expect((await ask('listWebhooks', '', { who: eve })).text).not.toContain(id);
    expect((await ask('getWebhook', `/${id}`)).json).toMatchObject({ enabled: true, version: 1 });
  });

  it('makes ten and no more, and room again by removing one', async () => {
    const full = await api.aCreator();
    const made: Shown[] = [];
    for (let i = 0; i < 10; i += 1) made.push(await aWebhook(full));
    const eleventh = await ask('createWebhook', '', { who: full, body: { url: URL_A } });
    expect([eleventh.status, eleventh.json]).toMatchObject([409, { code: 'too-many-webhooks' }]);
    expect((await ask('removeWebhook', `/${made[0]?.id ?? ''}`, { who: full })).status).toBe(204);
    await aWebhook(full);
  });

  it('documents every event that it can send', async () => {
    const { webhooks } = (await api.call('GET', '/openapi.json')).json as { webhooks: Record<string, object> };
    expect(Object.keys(webhooks).sort()).toEqual([...WEBHOOK_EVENT_TYPES, WEBHOOK_TRIAL_TYPE].sort());
    expect(WebhookEvent.options).toHaveLength(Object.keys(webhooks).length);
    expect(JSON.stringify(webhooks)).not.toContain('$defs');
  });

  it('logs neither addresses nor secrets', () => {
    expect(api.logger.text()).not.toMatch(/hooks\.example\.com|whsec_/);
  });
});

async function anyOf(who: TestCreator): Promise<Shown> {
  const { data } = (await ask('listWebhooks', '', { who })).json as { data: Shown[] };
  const [first] = data;
  if (first === undefined) throw new Error('no webhook');
  return first;
}
