import { mine, type RouteRow, type Scene } from './row.js';

const body = () => ({ url: 'https://hooks.example.com/tips' });
const anyVersion = () => ({ 'if-match': '*' });

export const webhookRoutes: Readonly<Record<string, RouteRow>> = {
  createWebhook: mine('account', 201, { body, ends: true }),
  listWebhooks: mine('account', 200, { fresh: false }),
  getWebhook: mine('account', 200, { fresh: false, params: aWebhook }),
  changeWebhook: mine('account', 200, { params: aWebhook, headers: anyVersion, body: () => ({ description: 'changed' }) }),
  removeWebhook: mine('write', 204, { params: aWebhook }),
  rotateWebhookSecret: mine('account', 200, { params: aWebhook }),
  testWebhook: mine('write', 202, { params: aWebhook }),
  listWebhookDeliveries: mine('account', 200, { fresh: false, params: aWebhook }),
  redeliverWebhookDelivery: mine('write', 202, { params: aDelivery }),
};

/** The one that is there, or a new one: a creator has few. */
async function aWebhook({ api, owner: { accessToken: token } }: Scene): Promise<{ id: string }> {
  const { data } = (await api.call('GET', '/v1/webhooks', { token })).json as { data: { id: string }[] };
  if (data[0] !== undefined) return { id: data[0].id };
  const made = (await api.call('POST', '/v1/webhooks', { token, body: body() })).json as { id: string };
  return { id: made.id };
}

async function aDelivery(scene: Scene): Promise<{ id: string; deliveryId: string }> {
  const { id } = await aWebhook(scene);
  const trial = await scene.api.call('POST', `/v1/webhooks/${id}/test`, { token: scene.owner.accessToken });
  return { id, deliveryId: (trial.json as { id: string }).id };
}
