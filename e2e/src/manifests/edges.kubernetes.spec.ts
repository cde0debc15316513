import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { edges } from './edges.js';
import { BackendTrafficPolicy, ClientTrafficPolicy, EnvoyProxy } from './envoy-gateway.js';
import { flows } from './flows.js';
import { OVERLAYS, renderOverlay, renderWith, ROOT, type Manifest } from './render.js';
import { clusterEnv, settingsOf } from './settings.js';
import { Cluster, containerOf } from './shapes.js';

const ofKind = <T>(schema: z.ZodType<T>, objects: readonly Manifest[]): T[] =>
  objects.flatMap((object) => {
    const { data } = schema.safeParse(object);
    return data === undefined ? [] : [data];
  });

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
    // The value's case is the client's choice (RFC 6455).
    for (const upgrade of ['websocket', 'WebSocket', 'WEBSOCKET']) expect(through('gateway')).toContain(way({ path: '/overlay', upgrade }));
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

describe('a gateway whose node is gone', () => {
  it('costs a newcomer 300 ms at nginx and at Envoy, which then ask another', () => {
    for (const objects of [...OVERLAYS.map(renderOverlay), renderWith('envoy-gateway')]) {
      const routes = objects.filter(({ kind }) => kind === 'HTTPRoute').map(({ metadata }) => metadata.name);
      const policies = ofKind(BackendTrafficPolicy, objects);
      expect(policies).toHaveLength(routes.length > 0 ? 1 : 0);
      for (const { spec } of policies) {
        expect(routes).toEqual(expect.arrayContaining(spec.targetRefs.map(({ name }) => name)));
        expect(spec).toMatchObject({ timeout: { tcp: { connectTimeout: '300ms' } }, retry: { numRetries: 5 } });
      }
    }
    expect(all.get('docker/nginx/web.conf')?.text).toContain('proxy_connect_timeout 300ms;');
  });
});

describe('tokens in queries', () => {
  it('reach no access log of any edge', () => {
    // Of the requests that Envoy logs everything is named, and nothing has the query or a header that may hold a token.
    const proxies = [...OVERLAYS.map(renderOverlay), renderWith('envoy-gateway')].flatMap((objects) => ofKind(EnvoyProxy, objects));
    expect(proxies.length).toBeGreaterThanOrEqual(4);
    for (const { spec } of proxies) {
      const settings = spec.telemetry.accessLog.settings.flatMap(({ format }) => Object.values(format.json));
      expect(settings).toContain('%REQ_WITHOUT_QUERY(:PATH)%');
      expect(settings.filter((word) => /REQ\((?!:METHOD\)|X-REQUEST-ID\))/.test(word))).toEqual([]);
    }
    expect(all.get('ingress-nginx')?.text).toContain('"nginx.ingress.kubernetes.io/enable-access-log":"false"');
    const routes = all.get('traefik')?.text ?? '';
    expect([...routes.matchAll(/"match":"[^"]*\/overlay/g)]).toHaveLength([...routes.matchAll(/"accessLogs":false/g)].length);
  });
});

describe('who may say what a viewer’s address is', () => {
  const withGateway = [...OVERLAYS.map(renderOverlay), renderWith('envoy-gateway')].filter((objects) =>
    objects.some(({ kind }) => kind === 'Gateway'),
  );
  const webOf = (objects: readonly Manifest[]): [trusted: string | undefined, from: readonly string[]] => {
    const cluster = new Cluster(objects);
    const { env } = containerOf(cluster.deployment('web'));
    const from = flows(cluster).flatMap((way) => /^(.*) > web:8080$/.exec(way)?.[1] ?? []);
    return [env.find(({ name }) => name === 'WEB_TRUSTED_PROXIES')?.value, from];
  };
  const BEHIND_AN_EDGE = ['10.0.0.0/8,172.16.0.0/12,192.168.0.0/16', ['droppio.io/edge=true']];

  it('is not he himself: Envoy throws his word away before it adds its own, at every Gateway', () => {
    expect(withGateway.length).toBeGreaterThanOrEqual(4);
    for (const objects of withGateway) {
      const gateways = objects.filter(({ kind }) => kind === 'Gateway');
      const policies = ofKind(ClientTrafficPolicy, objects);
      const [proxy] = ofKind(EnvoyProxy, objects);
      for (const gateway of gateways) {
        const { targetRefs, headers } = policies[0]?.spec ?? {};
        expect(targetRefs?.map(({ name }) => name)).toContain(gateway.metadata.name);
        expect(headers?.earlyRequestHeaders.remove.map((name) => name.toLowerCase())).toContain('x-forwarded-for');
        expect(gateway).toMatchObject({
          spec: { infrastructure: { parametersRef: { group: 'gateway.envoyproxy.io', kind: 'EnvoyProxy', name: proxy?.metadata.name } } },
        });
        // Nor does a node stand before him.
        expect(proxy?.spec.provider.kubernetes.envoyService.externalTrafficPolicy).toBe('Local');
      }
    }
  });

  it('is not he himself: Traefik believes no address that it is not told of', () => {
    const values = readFileSync(join(ROOT, 'k8s/components/traefik/traefik-values.yaml'), 'utf8');
    const { ports } = z.object({ ports: z.object({ websecure: z.looseObject({ forwardedHeaders: z.unknown() }) }) }).parse(parse(values));
    expect(ports.websecure.forwardedHeaders).toEqual({ insecure: false, trustedIPs: [] });
  });

  it('is nobody where `web` is the edge, and where it is not, an edge that alone gets to it', () => {
    for (const objects of [renderWith(), renderWith('gateway-api'), renderWith('traefik'), renderOverlay('dev'), renderOverlay('prod')])
      expect(webOf(objects)).toEqual([undefined, ['anybody']]);
    for (const objects of [renderWith('ingress-nginx'), renderWith('web-behind-edge'), renderOverlay('region-replica')])
      expect(webOf(objects)).toEqual(BEHIND_AN_EDGE);
  });

  it('is an edge, for gateways and the API, and nobody else gets to them', () => {
    for (const overlay of OVERLAYS) {
      const ways = flows(new Cluster(renderOverlay(overlay))).filter((way) => / > (?:gateway:8081|api:8080)$/.test(way));
      expect(ways.length).toBeGreaterThanOrEqual(2);
      expect(ways.filter((way) => !/^(?:web|droppio\.io\/edge=true) > /.test(way))).toEqual([]);
    }
  });
});

describe('an upload', () => {
  it('gets through every edge as large as the page’s server takes it', () => {
    expect(all.get('ingress-nginx')?.text).toContain('"nginx.ingress.kubernetes.io/proxy-body-size":"3m"');
    expect(readFileSync(join(ROOT, 'docker/nginx/web.conf'), 'utf8')).toMatch(/location = \/v1\/assets \{\s*client_max_body_size 3m;/);
  });
});
