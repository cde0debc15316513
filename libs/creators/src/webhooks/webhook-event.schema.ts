import { TIP_STATES, WEBHOOK_EVENT_TYPES, WEBHOOK_TRIAL_TYPE } from '@droppio/tips';
import * as z from 'zod';
import { addressShape, hashShape, timeShape } from '../edge/fields.js';

const seq = z.int().meta({ description: 'Place in the creator’s stream of events: gapless over all types.' });

const tip = z.looseObject({
  id: z.string().meta({ description: '`chainId-txHash-ordinal`.' }),
  name: z.string(),
  from: addressShape,
  amount: z.looseObject({
    raw: z.string().meta({ description: 'Smallest units, a decimal string.' }),
    decimals: z.int(),
    symbol: z.string(),
    chainId: z.int(),
    token: addressShape,
  }),
  message: z.string(),
  ref: hashShape,
  txHash: hashShape,
});

const tipData = z.object({
  seq,
  state: z.enum(TIP_STATES),
  rev: z.int().meta({ description: 'Raised by each visible change of the tip. Deliveries come in no order: believe the highest.' }),
  tip,
  at: z.object({ block: timeShape.optional(), seen: timeShape }),
});

const DATA = {
  'io.droppio.alert.test.v1': z.object({ seq, tip, overlayId: z.string().optional() }),
  'io.droppio.overlay.changed.v1': z.object({
    seq,
    overlay: z.object({ id: z.string(), version: z.int(), enabled: z.boolean(), config: z.looseObject({}) }),
  }),
  'io.droppio.overlay.control.v1': z.looseObject({ seq, action: z.string() }),
  [WEBHOOK_TRIAL_TYPE]: z.object({ message: z.string() }),
} as const;
const dataOf: Readonly<Record<string, z.ZodType | undefined>> = DATA;

const SUMMARIES: Readonly<Record<string, string>> = {
  'io.droppio.tip.seen.v1': 'A node promises a tip; no block holds it yet',
  'io.droppio.tip.confirmed.v1': 'A block holds a tip, or what it holds of it has changed',
  'io.droppio.tip.safe.v1': 'The chain calls a tip’s block safe',
  'io.droppio.tip.finalized.v1': 'A tip is final',
  'io.droppio.tip.retracted.v1': 'A tip that was told is taken back: its block left the chain, or it never got one',
  'io.droppio.alert.test.v1': 'Somebody asked for a test alert; no tip',
  'io.droppio.overlay.changed.v1': 'An overlay was made or changed',
  'io.droppio.overlay.control.v1': 'A command to overlays',
  [WEBHOOK_TRIAL_TYPE]: 'The owner asked for a trial of the webhook',
};

/** CloudEvents 1.0, structured mode, as a webhook receives it. */
export const WebhookEvent = z.discriminatedUnion('type', [
  eventOf('io.droppio.tip.seen.v1'),
  ...[...WEBHOOK_EVENT_TYPES.slice(1), WEBHOOK_TRIAL_TYPE].map(eventOf),
]);

function eventOf(type: string) {
  return z.object({
    specversion: z.literal('1.0'),
    id: z.string().meta({ description: 'Equal to the header `webhook-id`; the same at each attempt.' }),
    source: z.string().meta({ description: '`/chains/{chainId}` for tips, else `/creators/{id}`.' }),
    type: z.literal(type),
    subject: z.string().meta({ description: 'Id of the creator.' }),
    time: timeShape.meta({ description: 'When the event was committed.' }),
    datacontenttype: z.literal('application/json'),
    data: dataOf[type] ?? tipData,
  });
}

const HEADERS = [
  ['webhook-id', 'Equal to the event’s `id`. Deliveries may repeat: drop what you have had.'],
  ['webhook-timestamp', 'Unix seconds of the attempt. Refuse what is older than five minutes.'],
  [
    'webhook-signature',
    '`v1,` and base64 of HMAC-SHA-256 over `id.timestamp.body`; several, separated by spaces, while secrets are rotated.',
  ],
] as const;

/** What is sent to webhooks, for the `webhooks` of the OpenAPI document. */
export function webhookDocs(): Record<string, { post: object }> {
  return Object.fromEntries(WebhookEvent.options.map((event) => [event.shape.type.value, { post: operationOf(event) }]));
}

function operationOf(event: ReturnType<typeof eventOf>): object {
  const schema = z.toJSONSchema(event, { target: 'draft-2020-12', reused: 'inline' });
  delete schema.$schema;
  return {
    summary: SUMMARIES[event.shape.type.value],
    description:
      'Standard Webhooks. At least once, in no order; any 2xx within 10 s takes it, 410 disables the webhook, all else is tried again for three days.',
    tags: ['webhooks'],
    security: [],
    parameters: HEADERS.map(([name, description]) => ({ name, in: 'header', required: true, description, schema: { type: 'string' } })),
    requestBody: { required: true, content: { 'application/cloudevents+json': { schema } } },
    responses: {
      '2XX': { description: 'Taken.' },
      '410': { description: 'Gone for good: the webhook is disabled.' },
      default: { description: 'Tried again later.' },
    },
  };
}
