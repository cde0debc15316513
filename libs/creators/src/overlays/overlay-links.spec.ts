import { randomUUID } from 'node:crypto';
import { DEFAULT_OVERLAY_CONFIG } from '@droppio/tips';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import { describe, expect, it } from 'vitest';
import { CreatorsOptions } from '../creators-options.js';
import { OverlayLinks } from './overlay-links.js';

const tokenKeys = [{ id: 1, secret: new Uint8Array(32).fill(7) }];
const signIn = { origins: [], chains: new Set<number>(), nodes: new Map<number, string>(), isSignUpOpen: false };
const options = new CreatorsOptions({
  adminToken: undefined,
  signIn,
  tokenKeys,
  pageUrl: 'https://tips.example/overlay',
  gatewayUrl: 'wss://gw.example/overlay',
});

describe(OverlayLinks.name, () => {
  it('keeps the token in the fragment of the page and signs it for this overlay and version', () => {
    const tokens = new OverlayTokens(tokenKeys);
    const overlay = {
      id: randomUUID(),
      creatorId: randomUUID(),
      name: 'main',
      enabled: true,
      version: 3,
      config: DEFAULT_OVERLAY_CONFIG,
      configVersion: 1,
      createdAt: new Date(),
    };
    const { pageUrl, webSocketUrl } = new OverlayLinks(options, tokens).urlsOf(overlay);
    const page = new URL(pageUrl);
    expect(`${page.origin}${page.pathname}${page.search}`).toBe('https://tips.example/overlay/');
    const token = page.hash.slice(1);
    expect(webSocketUrl).toBe(`wss://gw.example/overlay?token=${token}`);
    expect(tokens.verify(token)).toEqual({ overlayId: overlay.id, creatorId: overlay.creatorId, version: 3 });
  });
});
