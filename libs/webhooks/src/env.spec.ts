import { InvalidSettings, loadEnv } from '@droppio/platform';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { webhooksEnv, webhookSwitches } from './env.js';

const settings = z.object(webhooksEnv);

describe('the settings of webhooks', () => {
  it('send, over https alone, to the usual ports, unless they say otherwise', () => {
    expect(webhookSwitches(loadEnv(settings, {}))).toEqual({ work: true, concurrency: 32, ports: new Set([443, 8443]), allowHttp: false });
    const given = { WEBHOOKS_WORK: 'false', WEBHOOKS_CONCURRENCY: '4', WEBHOOKS_PORTS: '443, 9443', WEBHOOKS_ALLOW_HTTP: 'true' };
    expect(webhookSwitches(loadEnv(settings, given))).toEqual({
      work: false,
      concurrency: 4,
      ports: new Set([443, 9443]),
      allowHttp: true,
    });
  });

  it.each([
    ['WEBHOOKS_WORK', 'maybe'],
    ['WEBHOOKS_CONCURRENCY', '0'],
    ['WEBHOOKS_PORTS', '443,x'],
    ['WEBHOOKS_PORTS', '70000'],
    ['WEBHOOKS_PORTS', ','],
    ['WEBHOOKS_ALLOW_HTTP', '2'],
  ])('name %s when it is %j', (name, value) => {
    const load = (): unknown => loadEnv(settings, { [name]: value });
    expect(load).toThrow(InvalidSettings);
    expect(load).toThrow(new RegExp(`${name} does not fit: .+\\.`));
  });
});
