import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { edges } from './edges.js';
import { OVERLAYS, renderOverlay, ROOT } from './render.js';
import { clusterEnv, settingsOf } from './settings.js';
import { Cluster } from './shapes.js';

const all = edges();
const Times = z.object({ GATEWAY_PING_MS: z.number(), GATEWAY_POLL_MS: z.number(), GATEWAY_DEAD_MS: z.number() });

/** The paths of the API's controllers, as they are written in the code. */
function apiPaths(): string[] {
  const sources = readdirSync(join(ROOT, 'libs/creators/src'), { recursive: true, encoding: 'utf8' });
  const texts = sources
    .filter((file) => /^(?!.*spec).*\.ts$/.test(file))
    .map((file) => readFileSync(join(ROOT, 'libs/creators/src', file), 'utf8'));
  return texts.flatMap((text) =>
    [...text.matchAll(/@Controller\('([^']+)'\)/g)].map(([, path = '']) => `/${path.replaceAll(':id', 'x')}/y`),
  );
}

describe.each([...all])('the edge of %s', (name, { way, silence, text }) => {
  /** Some send all to `web`, which knows the ways itself. */
  const through = (service: string): readonly string[] => (name === 'ingress-nginx' ? ['web'] : [service, `${service}s`]);

  it('brings sockets, streams and polls to a gateway', () => {
    expect(through('gateway')).toContain(way({ path: '/overlay', isUpgrade: true }));
    for (const path of ['/overlay/events', '/overlay/poll']) expect(through('gateway')).toContain(way({ path }));
  });

  it('brings the page and its files to whoever serves them', () => {
    const paths = ['/overlay', '/overlay/', '/overlay/index.html', '/overlay/assets/index-AbCd1234.js'];
    for (const path of paths) expect(['page', 'web']).toContain(way({ path }));
  });

  it('brings every path of the API and its documents to the API', () => {
    const paths = apiPaths();
    expect(paths.length).toBeGreaterThan(10);
    for (const path of [...paths, '/docs', '/docs/swagger-ui.css', '/openapi.json', '/overlay/media/x'])
      expect(through('api'), path).toContain(way({ path }));
  });

  it('leads nowhere else: health, metrics and statistics have no way in', () => {
    for (const path of ['/', '/metrics', '/health/ready', '/stats', '/healthz/x', '/overlays', '/v10'])
      expect(way({ path }), path).toBeUndefined();
  });

  it('lets a socket be silent for longer than the gateway ever is', () => {
    const clusters = OVERLAYS.map((overlay) => new Cluster(renderOverlay(overlay)));
    const settings = clusters.map((cluster) => Times.parse(settingsOf('gateway', clusterEnv(cluster, cluster.deployment('gateway')))));
    expect(silence.length).toBeGreaterThanOrEqual(2);
    for (const { GATEWAY_PING_MS, GATEWAY_POLL_MS, GATEWAY_DEAD_MS } of settings) {
      // Two pings may be lost on the way, and it is the gateway that gives up first.
      expect(Math.min(...silence)).toBeGreaterThanOrEqual((3 * GATEWAY_PING_MS) / 1000);
      expect(Math.min(...silence)).toBeGreaterThan(GATEWAY_DEAD_MS / 1000);
      expect(Math.min(...silence)).toBeGreaterThan(GATEWAY_POLL_MS / 1000);
    }
  });

  it('ties nobody to a gateway: none is sticky', () => {
    expect(text).not.toMatch(/sticky|session-?affinity|sessionPersistence|upstream-hash-by|affinity|ip_hash|hash \$/i);
  });
});

describe('the services', () => {
  it.each(OVERLAYS)('of %s tie nobody to a pod', (overlay) => {
    for (const { spec } of new Cluster(renderOverlay(overlay)).services) expect(spec).not.toHaveProperty('sessionAffinity');
  });
});

describe('a second region', () => {
  it('has the same ways in, and leaves the API to its own edge', () => {
    const routes = (overlay: string) => renderOverlay(overlay).filter(({ kind }) => kind === 'HTTPRoute');
    const text = JSON.stringify(routes('region-replica'));
    expect(text).toBe(JSON.stringify(routes('prod')).replace('{"name":"api","port":8080}', '{"name":"web","port":80}'));
  });
});

describe('tokens in queries', () => {
  it('reach no access log where a log can be turned off', () => {
    expect(all.get('ingress-nginx')?.text).toContain('"nginx.ingress.kubernetes.io/enable-access-log":"false"');
    const routes = all.get('traefik')?.text ?? '';
    expect([...routes.matchAll(/"match":"[^"]*\/overlay/g)]).toHaveLength([...routes.matchAll(/"accessLogs":false/g)].length);
  });
});

describe('an upload', () => {
  it('gets through every edge as large as the page’s server takes it', () => {
    expect(all.get('ingress-nginx')?.text).toContain('"nginx.ingress.kubernetes.io/proxy-body-size":"3m"');
    expect(readFileSync(join(ROOT, 'docker/nginx/web.conf'), 'utf8')).toMatch(/location = \/v1\/assets \{\s*client_max_body_size 3m;/);
  });
});
