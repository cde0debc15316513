import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const WEB_CONF = fileURLToPath(new URL('../../../../docker/nginx/web.conf', import.meta.url));

/** What every server sends with the page. A test of the API holds its own policy to the one of nginx. */
export function servedPolicy(origin: string): string {
  const [, policy] = /Content-Security-Policy "([^"]*)"/.exec(readFileSync(WEB_CONF, 'utf8')) ?? [];
  if (policy === undefined) throw new Error('nginx sends the page without a policy');
  return `${policy.replace('wss://$page_host', '').replace('ws://$page_host', origin.replace('http', 'ws'))}; report-uri /violations`;
}

/** Without what is allowed for a creator's Custom CSS alone: the page itself needs none of it. */
export function strictPolicy(origin: string): string {
  return servedPolicy(origin).replaceAll(" 'unsafe-inline'", '').replaceAll(' data:', '');
}
