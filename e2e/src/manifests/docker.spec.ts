import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gatewaySettings } from '@droppio/gateway/env';
import { TIP_JAR_ADDRESS } from '@droppio/tip-jar';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { ROOT } from './render.js';
import {
  APPS,
  drainMs,
  imageEnv,
  SAMPLE_SECRETS,
  samples,
  SCHEMAS,
  settingsOf,
  Shutdown,
  SPARE_SECONDS,
  strangers,
  type App,
} from './settings.js';

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')));
const nginx = (file: string): string => readFileSync(resolve(ROOT, 'docker/nginx', file), 'utf8');

const ComposeService = z.looseObject({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  stop_grace_period: z.string().optional(),
  deploy: z.object({ replicas: z.int() }).optional(),
  networks: z.array(z.string()),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  healthcheck: z.looseObject({ test: z.unknown().optional() }).optional(),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.object({ condition: z.string() }))]).optional(),
  build: z
    .object({ context: z.literal('..'), dockerfile: z.string(), target: z.string(), args: z.record(z.string(), z.string()).optional() })
    .optional(),
});
const dockerfile = readFileSync(resolve(ROOT, 'docker/Dockerfile'), 'utf8');
const stages = [...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$/gm)].map(([, , name = '']) => name);

describe('docker/compose.yaml', () => {
  const text = readFileSync(resolve(ROOT, 'docker/compose.yaml'), 'utf8');
  const document: unknown = parse(text, { merge: true });
  const { services } = z.looseObject({ services: z.record(z.string(), ComposeService) }).parse(document);
  const example = readFileSync(resolve(ROOT, 'docker/.env.example'), 'utf8');
  const variables = new Map([...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));

  /** As compose does it, with samples where `.env` would hold a secret. */
  const filledIn = (value: string): string =>
    value.replaceAll(/\$\{([A-Z_]+)(?::[-?][^}]*)?\}/g, (_match, name: string) => {
      const written = variables.get(name) ?? '';
      return written === '' ? (SAMPLE_SECRETS[name] ?? 'secret') : written;
    });
  const service = (name: string): z.output<typeof ComposeService> => {
    const found = services[name];
    if (found === undefined) throw new Error(`There is no service ${name}.`);
    return found;
  };
  const given = (app: App): Record<string, string> =>
    Object.fromEntries(Object.entries(service(app).environment).map(([name, value]) => [name, filledIn(value)]));

  it('takes from .env exactly what docker/.env.example describes', () => {
    const used = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(([, name]) => name);
    expect([...new Set(used)].sort()).toEqual([...variables.keys()].sort());
  });

  it.each(APPS)('gives %s settings that it has, and all it needs to start', (app) => {
    expect(strangers(app, Object.keys(given(app)))).toEqual([]);
    expect(() => settingsOf(app, given(app))).not.toThrow();
  });

  it.each(APPS)('gives %s the time to stop that its drain needs', (app) => {
    const settings = Shutdown.parse(settingsOf(app, given(app)));
    const grace = Number(/^(\d+)s$/.exec(service(app).stop_grace_period ?? '')?.[1]);
    expect(grace).toBeGreaterThanOrEqual(drainMs(settings) / 1000 + SPARE_SECONDS);
    expect(grace).toBeGreaterThanOrEqual(settings.SHUTDOWN_TIMEOUT_MS / 1000 + 5);
    expect(settings.SHUTDOWN_TIMEOUT_MS).toBeGreaterThanOrEqual(drainMs(settings));
  });

  it('lets one job change the schema, over a direct connection, before anybody else looks at it', () => {
    expect(service('migrate')).toMatchObject({ image: service('api').image, entrypoint: ['node', 'migrate.mjs'] });
    expect(Object.keys(service('migrate').environment)).toEqual(['DATABASE_URL']);
    expect(service('migrate').environment['DATABASE_URL']).toContain('@postgres:5432/');
    for (const app of ['api', 'listener'] as const) {
      expect(settingsOf(app, given(app))['DATABASE_MIGRATE']).toBe(false);
      expect(service(app).depends_on).toMatchObject({ migrate: { condition: 'service_completed_successfully' } });
    }
  });

  it('puts PgBouncer between the API and Postgres, and tells the API; the listener holds its lock on a connection of its own', () => {
    expect(settingsOf('api', given('api'))).toMatchObject({ DATABASE_POOLER: 'transaction' });
    expect(service('api').environment['DATABASE_URL']).toContain('@pgbouncer:6432/');
    expect(service('pgbouncer').environment).toMatchObject({ POOL_MODE: 'transaction', LISTEN_PORT: '6432' });
    expect(settingsOf('listener', given('listener'))).toMatchObject({ DATABASE_POOLER: 'none' });
    expect(service('listener').environment['DATABASE_URL']).toContain('@postgres:5432/');
  });

  it('runs two gateways, publishes the edge only, and keeps it away from the data', () => {
    expect(service('gateway').deploy?.replicas).toBe(2);
    const published = Object.keys(services).flatMap((name) => service(name).ports.map((port) => [name, port] as const));
    // What watches is seen on this machine's loopback.
    expect(published.filter(([, port]) => !port.startsWith('127.0.0.1:')).map(([name]) => name)).toEqual(['web']);
    expect(published.map(([name]) => name)).toEqual(['web', 'prometheus', 'grafana']);
    expect(service('web').networks).not.toContain('data');
  });

  it('lets Prometheus reach what it scrapes, by the names that it looks up, and nobody else', () => {
    const config = readFileSync(resolve(ROOT, 'observability/prometheus/prometheus.yml'), 'utf8');
    const Lookups = z.looseObject({ dns_sd_configs: z.array(z.looseObject({ names: z.array(z.string()), port: z.int() })).default([]) });
    const { alerting, scrape_configs: jobs } = z
      .looseObject({ alerting: z.object({ alertmanagers: z.array(Lookups) }), scrape_configs: z.array(Lookups) })
      .parse(parse(config));
    const lookups = [...alerting.alertmanagers, ...jobs].flatMap(({ dns_sd_configs }) => dns_sd_configs);
    expect(lookups.flatMap(({ names }) => names).sort()).toEqual(['alertmanager', ...APPS, 'web'].sort());
    for (const { names, port } of lookups) {
      for (const name of names) {
        expect(
          service(name).networks.some((network) => service('prometheus').networks.includes(network)),
          name,
        ).toBe(true);
        if (name !== 'alertmanager') expect(String(port)).toBe(imageEnv()['INTERNAL_PORT']);
      }
    }
    expect(
      Object.keys(services)
        .filter((name) => service(name).networks.includes('watch'))
        .sort(),
    ).toEqual([...APPS, 'prometheus', 'web'].sort());
  });

  it('mounts files that exist, and volumes and networks that it has', () => {
    const whole = z
      .looseObject({ volumes: z.record(z.string(), z.unknown()), networks: z.record(z.string(), z.unknown()) })
      .parse(document);
    for (const [name, { volumes, networks }] of Object.entries(services)) {
      for (const volume of volumes) {
        const [source = ''] = filledIn(volume).split(':');
        if (source.startsWith('.')) expect(existsSync(resolve(ROOT, 'docker', source)), `${name}: ${source}`).toBe(true);
        else expect(Object.keys(whole.volumes), name).toContain(source);
      }
      for (const network of networks) expect(Object.keys(whole.networks), name).toContain(network);
    }
  });

  it('asks every service how it is: with a check of its own or that of its image, but for jobs and the dev chain', () => {
    const unchecked = Object.entries(services).filter(([name, { healthcheck }]) => name !== 'web' && healthcheck?.test === undefined);
    expect(unchecked.map(([name]) => name)).toEqual(['migrate', 'anvil', 'tip-jar']);
    expect(dockerfile).toMatch(/AS web\n(?:(?!^FROM )[\s\S])*^HEALTHCHECK /m);
    for (const { depends_on } of Object.values(services)) {
      if (depends_on === undefined || Array.isArray(depends_on)) continue;
      for (const [other, { condition }] of Object.entries(depends_on)) {
        if (condition === 'service_healthy') expect(service(other).healthcheck?.test, other).toBeDefined();
      }
    }
  });

  it('builds its images from stages that there are', () => {
    for (const [name, { image, build }] of Object.entries(services)) {
      expect(build === undefined, name).toBe(!image.startsWith('droppio/'));
      if (build === undefined) continue;
      expect(stages).toContain(build.target);
      expect(build.dockerfile).toBe('docker/Dockerfile');
      if (build.target === 'app') expect(image).toBe(`droppio/${String(build.args?.['APP'])}:${version}`);
    }
  });

  it('confines our containers', () => {
    for (const name of [...APPS, 'web', 'migrate']) {
      expect(service(name)).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    }
  });

  it('names a version of every image, and of ours the one in package.json', () => {
    for (const { image } of Object.values(services)) {
      expect(image).toMatch(/:v?\d[^:]*$/);
      if (image.startsWith('droppio/')) expect(image).toMatch(new RegExp(`:${version}$`));
    }
  });
});

describe('the images', () => {
  it('listen to the outside, and on one internal port', () => {
    expect(imageEnv()).toMatchObject({ HOST: '0.0.0.0', INTERNAL_HOST: '0.0.0.0', INTERNAL_PORT: '9090' });
    expect(Object.keys(imageEnv()).filter((name) => name !== 'NODE_ENV' && !APPS.some((app) => name in SCHEMAS[app].shape))).toEqual([]);
  });

  it.each(['app', 'web', 'dev-chain'])('of the stage %s run as a numeric user', (stage) => {
    const text = new RegExp(`^FROM \\S+ AS ${stage}$((?:(?!^FROM )[\\s\\S])*)`, 'm').exec(dockerfile)?.[1] ?? '';
    expect([...text.matchAll(/^USER (.*)$/gm)].at(-1)?.[1]).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    // The web server's entry point is that of its base.
    expect(/^ENTRYPOINT \["node", /m.test(text)).toBe(stage !== 'web');
  });

  it('come from bases with a version, Node 24 of long-term support among them, or from each other', () => {
    const bases = [...dockerfile.matchAll(/^ARG (\w+_IMAGE)=(.*)$/gm)].map(([, name = '', image = '']) => [name, image] as const);
    expect(bases.map(([name]) => name)).toEqual(['NODE_IMAGE', 'NGINX_IMAGE']);
    expect(bases[0]?.[1]).toMatch(/^node:24-/);
    for (const [, image] of bases) expect(image).toMatch(/:\d/);
    for (const [, from = ''] of dockerfile.matchAll(/^FROM (\S+)/gm))
      expect([...bases.map(([name]) => `\${${name}}`), ...stages]).toContain(from);
    // The last one is what a build without a target makes.
    expect(stages.at(-1)).toBe('app');
  });

  it('of the dev chain know where the tip jar is', () => {
    expect(z.array(z.object({ tipJar: z.string() })).parse(JSON.parse(SAMPLE_SECRETS['CHAINS'] ?? ''))[0]?.tipJar).toBe(TIP_JAR_ADDRESS);
  });
});

describe('docker/nginx', () => {
  const pingSeconds = gatewaySettings.parse(samples(['REDIS_URL', 'OVERLAY_TOKEN_KEYS'])).GATEWAY_PING_MS / 1000;

  it('keeps a socket through two missed pings', () => {
    const read = Number(/location = \/overlay \{[^}]*\}[^}]*proxy_read_timeout (\d+)s/.exec(nginx('web.conf'))?.[1]);
    expect(read).toBeGreaterThanOrEqual(3 * pingSeconds);
  });

  it('logs no query and no request line, which may hold a token', () => {
    expect(nginx('web.conf').replaceAll(/^\s*#.*$/gm, '')).not.toMatch(/\$(request|request_uri|args|query_string|arg_\w+|http_referer)\b/);
    expect(nginx('web.conf')).toMatch(/location = \/overlay \{\s*(#.*\s*)*error_log \S+ emerg;/);
    // Wherever a mistyped path of an overlay may lead, too.
    const locations = [...nginx('web.conf').matchAll(/^ {2}location (?:= |~ )?(\S+) \{$([\s\S]*?)^ {2}\}$/gm)];
    const loud = locations.filter(([, , body = '']) => !/error_log \S+ emerg;/.test(body)).map(([, path]) => path);
    expect(loud).toEqual(['/v1/assets', '^/(v1/|docs(/|$)|openapi\\.json$)']);
  });

  it('passes on no viewer’s word about his address, and believes nobody unless it is told to', () => {
    for (const file of ['web.conf', 'house/proxy.conf']) {
      const text = nginx(file);
      expect(text).not.toContain('$proxy_add_x_forwarded_for');
      expect([...text.matchAll(/proxy_set_header X-Forwarded-For \$remote_addr;/g)]).toHaveLength(
        Math.max(1, [...text.matchAll(/proxy_pass /g)].length),
      );
    }
    for (const file of ['trusted-proxies.conf.template', 'house/trusted-proxies.conf'])
      expect(nginx(file)).not.toMatch(/^\s*set_real_ip_from/m);
    expect(dockerfile).toMatch(/^ENV (?:.*\\\n)*.*\bWEB_TRUSTED_PROXIES=$/m);
    for (const file of ['nginx.conf', 'house/common.conf']) expect(nginx(file)).toMatch(/^ *include \S*\btrusted-proxies\.conf;$/m);
  });

  it('says how many connections it may have as its workers are told', () => {
    const [workers, each] = ['worker_processes', 'worker_connections'].map((name) =>
      Number(new RegExp(`${name} (\\d+);`).exec(nginx('nginx.conf'))?.[1]),
    );
    expect(nginx('metrics.conf')).toContain(`\ndroppio_web_connections_limit ${String((workers ?? NaN) * (each ?? NaN))}\n`);
    expect(nginx('metrics.conf')).toContain(`listen ${String(imageEnv()['INTERNAL_PORT'])};`);
  });

  it('asks every gateway once, in time for an overlay that waits 15 s, whatever was lost', () => {
    for (const file of ['web.conf', 'house/locations.conf', 'house/proxy.conf']) {
      const text = nginx(file).replaceAll(/^\s*#.*$/gm, '');
      const [tries, times] = ['tries', 'timeout'].map((word) =>
        [...text.matchAll(new RegExp(`proxy_next_upstream_${word} (\\d+)`, 'g'))].map(([, value]) => Number(value)),
      );
      expect(new Set(tries)).toEqual(new Set(file === 'house/proxy.conf' ? [] : [0]));
      expect(times).toHaveLength(tries?.length ?? NaN);
      for (const seconds of times ?? []) expect(seconds).toBeLessThanOrEqual(10);
      const connects = [...text.matchAll(/proxy_connect_timeout (\S+);/g)].map(([, value]) => value);
      expect(connects).toEqual(file === 'house/locations.conf' ? [] : ['300ms']);
    }
  });

  it('never takes a gateway out for failing, and counts sockets across workers', () => {
    const template = nginx('upstreams.conf.template');
    for (const [server] of template.matchAll(/^ *server .*$/gm)) expect(server).toContain(' resolve max_fails=0;');
    expect(template).toMatch(/upstream gateways \{[^}]*zone gateways \d+k;[^}]*least_conn;/);
  });
});
