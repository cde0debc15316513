import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { overlayPagePolicy } from './overlay-page.js';

const nginx = readFileSync(fileURLToPath(new URL('../../../../docker/nginx/web.conf', import.meta.url)), 'utf8');

describe(overlayPagePolicy.name, () => {
  const served = overlayPagePolicy('wss://tips.test/overlay').split('; ');

  it('is what nginx says of the page, which knows the gateway by the host that was asked for', () => {
    const [, policy = ''] = /Content-Security-Policy "([^"]*)"/.exec(nginx) ?? [];
    const others = (directives: readonly string[]): string[] => directives.filter((directive) => !directive.startsWith('connect-src'));
    expect(others(policy.split('; '))).toEqual(others(served));
    expect(policy).toContain("; connect-src 'self' ws://$page_host wss://$page_host; ");
  });

  it('lets no text become markup or code, but by the one rule of the page', () => {
    expect(served).toContain("require-trusted-types-for 'script'");
    expect(served).toContain('trusted-types default');
    expect(served).toContain("script-src 'self'");
  });
});
