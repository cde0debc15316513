import { InvalidSettings, loadEnv } from '@droppio/platform';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { creatorsEnv, creatorsOptions, httpOptions } from './env.js';

const schema = z.object(creatorsEnv);
const good = {
  ADMIN_TOKEN: 'a'.repeat(32),
  OVERLAY_TOKEN_KEYS: `1:${'ab'.repeat(32)}`,
  PUBLIC_PAGE_URL: 'https://tips.example.com/overlay/',
  PUBLIC_GATEWAY_URL: 'wss://gw.example.com',
};

function faultsOf(settings: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadEnv(schema, { ...good, ...settings });
  } catch (error) {
    if (error instanceof InvalidSettings) return error.faults;
    throw error;
  }
  return [];
}

describe('creatorsEnv', () => {
  it('gives the room its options', () => {
    const env = loadEnv(schema, {
      ...good,
      API_CORS_ORIGINS: 'https://a.example, http://localhost:5173',
      API_TRUSTED_PROXIES: '10.0.0.0/8,loopback',
    });
    expect(creatorsOptions(env)).toMatchObject({
      adminToken: good.ADMIN_TOKEN,
      pageUrl: 'https://tips.example.com/overlay',
      gatewayUrl: 'wss://gw.example.com/overlay',
    });
    expect(httpOptions(env)).toEqual({
      corsOrigins: ['https://a.example', 'http://localhost:5173'],
      trustedProxies: ['10.0.0.0/8', 'loopback'],
    });
  });

  it('keeps a path that the gateway has of its own, and drops a query', () => {
    const env = loadEnv(schema, { ...good, PUBLIC_GATEWAY_URL: 'wss://gw.example.com/live?x=1' });
    expect(env.PUBLIC_GATEWAY_URL).toBe('wss://gw.example.com/live');
  });

  it('lets people sign in on the page’s own origin and on Ethereum, unless told otherwise', () => {
    const preset = creatorsOptions(loadEnv(schema, good)).signIn;
    expect(preset).toEqual({ origins: ['https://tips.example.com'], chains: new Set([1]), nodes: new Map(), isSignUpOpen: false });
    const chosen = { SIGN_IN_ORIGINS: 'https://app.example', SIGN_IN_CHAINS: '1, 8453=https://rpc.example/key', SIGN_UP: 'open' };
    expect(creatorsOptions(loadEnv(schema, { ...good, ...chosen })).signIn).toEqual({
      origins: ['https://app.example'],
      chains: new Set([1, 8453]),
      nodes: new Map([[8453, 'https://rpc.example/key']]),
      isSignUpOpen: true,
    });
  });

  it('opens nothing by default', () => {
    const env = loadEnv(schema, { ...good, ADMIN_TOKEN: '' });
    expect(creatorsOptions(env).adminToken).toBeUndefined();
    expect(httpOptions(env)).toEqual({ corsOrigins: [], trustedProxies: [] });
  });

  it.each([
    ['ADMIN_TOKEN', 'short', 'ADMIN_TOKEN does not fit: it must have at least 32 characters.'],
    ['OVERLAY_TOKEN_KEYS', '1:abcd', /^OVERLAY_TOKEN_KEYS does not fit: the secret of key 1 has 2 bytes/],
    ['PUBLIC_PAGE_URL', 'tips.example.com', 'PUBLIC_PAGE_URL does not fit: it must be an address that starts with http:// or https://.'],
    ['PUBLIC_GATEWAY_URL', 'https://gw', 'PUBLIC_GATEWAY_URL does not fit: it must be an address that starts with ws:// or wss://.'],
    ['SIGN_IN_CHAINS', '0', 'SIGN_IN_CHAINS does not fit: every entry must be a chain id, or id=RPC address.'],
    ['SIGN_IN_CHAINS', '1=ftp://x', /^SIGN_IN_CHAINS/],
    ['SIGN_IN_ORIGINS', 'app.example', /^SIGN_IN_ORIGINS does not fit: every entry must be an origin/],
    ['SIGN_UP', 'maybe', /^SIGN_UP/],
    ['API_RATE_CALLER', '-1', 'API_RATE_CALLER does not fit: it must not be negative.'],
    ['API_RATE_FAILURES', 'many', 'API_RATE_FAILURES does not fit: it must be a number.'],
    ['API_CORS_ORIGINS', '*', /^API_CORS_ORIGINS does not fit: every entry must be an origin/],
    ['API_CORS_ORIGINS', 'https://a.example/', /^API_CORS_ORIGINS/],
    ['API_TRUSTED_PROXIES', '10.0.0.0/33', /^API_TRUSTED_PROXIES does not fit/],
    ['API_TRUSTED_PROXIES', '0.0.0.0/0', /^API_TRUSTED_PROXIES does not fit/],
    ['API_TRUSTED_PROXIES', 'true', /^API_TRUSTED_PROXIES does not fit/],
  ])('says in a sentence what is wrong with %s=%s', (name, value, sentence) => {
    expect(faultsOf({ [name]: value })).toEqual([typeof sentence === 'string' ? sentence : expect.stringMatching(sentence)]);
  });

  it('never repeats a secret', () => {
    expect(faultsOf({ ADMIN_TOKEN: 'canary', OVERLAY_TOKEN_KEYS: '1:canary!' }).join()).not.toContain('canary');
  });
});
