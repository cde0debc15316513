import * as z from 'zod';

/** Settings of whoever serves the API, or sends to webhooks. */
export const webhooksEnv = {
  WEBHOOKS_WORK: z
    .stringbool()
    .default(true)
    .meta({ description: 'true: also send what webhooks are due. false leaves that to other processes with the same database and Redis.' }),
  WEBHOOKS_CONCURRENCY: z.coerce
    .number<string>()
    .int()
    .min(1)
    .max(512)
    .default(32)
    .meta({ description: 'Webhooks that are sent to at once by one process; slow ones have as many places of their own.' }),
  WEBHOOKS_PORTS: z
    .string()
    .default('443,8443')
    .transform((text, context) => {
      const ports = text.split(/[,\s]+/).filter((entry) => entry !== '');
      const fits = ports.length > 0 && ports.every((entry) => /^[1-9][0-9]{0,4}$/.test(entry) && Number(entry) <= 65_535);
      if (!fits) context.addIssue({ code: 'custom', message: 'it must be a list of ports such as 443,8443' });
      return new Set(ports.map(Number));
    })
    .meta({ description: 'Ports that webhooks may have, separated by commas.' }),
  WEBHOOKS_ALLOW_HTTP: z
    .stringbool()
    .default(false)
    .meta({ description: 'true: webhooks may be plain http, too, on port 80. For development; private addresses stay refused.' }),
};

type WebhooksEnv = z.output<z.ZodObject<typeof webhooksEnv>>;

export interface WebhookSwitches {
  readonly work: boolean;
  readonly concurrency: number;
  readonly ports: ReadonlySet<number>;
  readonly allowHttp: boolean;
}

export function webhookSwitches(env: WebhooksEnv): WebhookSwitches {
  return {
    work: env.WEBHOOKS_WORK,
    concurrency: env.WEBHOOKS_CONCURRENCY,
    ports: env.WEBHOOKS_PORTS,
    allowHttp: env.WEBHOOKS_ALLOW_HTTP,
  };
}
