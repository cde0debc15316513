import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { podCounts } from './pod-counts.js';
import { OVERLAYS, renderOverlay, ROOT } from './render.js';
import { APPS, clusterEnv, isSecret, SCHEMAS, secretTemplates, settingsOf, strangers, type App } from './settings.js';
import { Cluster, containerOf, portsOf } from './shapes.js';

const Ports = z.object({ PORT: z.number().optional(), INTERNAL_PORT: z.number() });

describe('the Secrets', () => {
  it('are templates without values, and no kustomization makes one', () => {
    const values = [...secretTemplates().values()].flatMap((template) => Object.values(template));
    expect(values.filter((value) => value !== '')).toEqual([]);
    expect(OVERLAYS.flatMap(renderOverlay).map(({ kind }) => kind)).not.toContain('Secret');
  });

  it.each(APPS)('have a place for every setting of %s that lets somebody in, and for no other', (app) => {
    const names = Object.keys(SCHEMAS[app].shape).filter(isSecret);
    expect(Object.keys(secretTemplates().get(`droppio-${app}`) ?? {}).sort()).toEqual(names.sort());
  });

  it('give the gateway neither the database nor the administrator’s token', () => {
    const names = Object.keys(secretTemplates().get('droppio-gateway') ?? {});
    expect(names.filter((name) => /DATABASE|ADMIN/.test(name))).toEqual([]);
  });
});

describe.each(OVERLAYS)('the settings in %s', (overlay) => {
  const cluster = new Cluster(renderOverlay(overlay));
  const apps = APPS.filter((app) => cluster.has(app));

  it('can all be set: each app takes its ConfigMap and its Secret whole, and nothing stands before them', () => {
    for (const app of apps) {
      const { envFrom, env } = containerOf(cluster.deployment(app));
      expect(envFrom).toEqual([
        { configMapRef: { name: expect.stringMatching(new RegExp(`^${app}-[a-z0-9]+$`)) as unknown } },
        { secretRef: { name: `droppio-${app}` } },
      ]);
      // Of its own settings only its name is fixed: that of the pod.
      expect(env.map(({ name }) => name).filter((name) => name in SCHEMAS[app].shape)).toEqual(['INSTANCE_ID']);
    }
  });

  it('are settings that the apps have, and all that they need to start', () => {
    for (const app of apps) {
      const workload = cluster.deployment(app);
      const given = clusterEnv(cluster, workload);
      expect(strangers(app, Object.keys(given))).toEqual([]);
      const { PORT, INTERNAL_PORT } = Ports.parse(settingsOf(app, given));
      expect(portsOf(workload)).toEqual([...(PORT === undefined ? [] : [PORT]), INTERNAL_PORT]);
    }
  });

  it('hold no secret where everybody may read it', () => {
    for (const [map, data] of cluster.configMaps) {
      expect(Object.keys(data).filter(isSecret), map).toEqual([]);
      for (const value of Object.values(data)) expect(value).not.toMatch(/:\/\/[^/]*@|[0-9A-Za-z]{32}/);
    }
    for (const { env } of cluster.workloads.map(containerOf)) {
      expect(env.filter(({ name, value }) => value !== undefined && isSecret(name))).toEqual([]);
    }
  });

  it('reach a pod by replacing it: a ConfigMap of another content has another name', () => {
    for (const map of cluster.configMaps.keys()) expect(map).toMatch(/-[a-z0-9]{10}$/);
    for (const { kind, metadata } of cluster.objects) {
      if (kind === 'ConfigMap') expect(metadata).not.toHaveProperty('immutable');
    }
  });

  it('believe the edge, without which all viewers would share one address and its limits', () => {
    expect(cluster.configOf('gateway')).toHaveProperty('GATEWAY_TRUSTED_PROXIES', 'uniquelocal');
    if (cluster.has('api')) expect(cluster.configOf('api')).toHaveProperty('API_TRUSTED_PROXIES', 'uniquelocal');
  });
});

describe.each(OVERLAYS.filter((overlay) => overlay !== 'region-replica'))('the database of %s', (overlay) => {
  const cluster = new Cluster(renderOverlay(overlay));

  it('is migrated by a Job that has nothing but its address, and by nobody else', () => {
    const jobs = cluster.workloads.filter(({ kind }) => kind !== 'Deployment');
    expect(jobs.map(({ metadata, kind }) => [metadata.name, kind])).toEqual([
      ['migrate', 'Job'],
      ['new-epochs', 'CronJob'],
    ]);
    for (const job of jobs) expect(Object.keys(clusterEnv(cluster, job))).toEqual(['DATABASE_URL']);
    for (const app of ['api', 'listener'] as const) {
      expect(settingsOf(app, clusterEnv(cluster, cluster.deployment(app)))['DATABASE_MIGRATE']).toBe(false);
    }
  });

  it('is waited for, until its Job must have ended, by pods that nobody gives up on meanwhile', () => {
    const job = cluster.workloads.find(({ kind }) => kind === 'Job');
    const { activeDeadlineSeconds } = z.object({ activeDeadlineSeconds: z.int() }).parse(job?.spec);
    for (const app of ['api', 'listener'] as const) {
      const deployment = cluster.deployment(app);
      const { progressDeadlineSeconds } = z.object({ progressDeadlineSeconds: z.int() }).parse(deployment.spec);
      const { DATABASE_SCHEMA_WAIT_MS } = settingsOf(app, clusterEnv(cluster, deployment));
      expect(z.number().parse(DATABASE_SCHEMA_WAIT_MS) / 1000, app).toBeGreaterThanOrEqual(activeDeadlineSeconds + 60);
      expect(progressDeadlineSeconds, app).toBeGreaterThanOrEqual(z.number().parse(DATABASE_SCHEMA_WAIT_MS) / 1000 + 60);
    }
  });

  it('has connections for as many pods as there may be', () => {
    const connections = ['api', 'listener'].map(
      (app) => podCounts(cluster, app).mostInRollout * Number(cluster.configOf(app)['DATABASE_POOL_SIZE']),
    );
    // Postgres' preset of 100: the most pods that an autoscaler makes, with a rollout of all of them, and 20 left for people and the migration.
    expect(connections.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(80);
  });

  it('gives page and sockets one host, the only one that the page’s policy allows', () => {
    const { PUBLIC_PAGE_URL = '', PUBLIC_GATEWAY_URL = '' } = cluster.configOf('api');
    expect(new URL(PUBLIC_GATEWAY_URL).host).toBe(new URL(PUBLIC_PAGE_URL).host);
    expect([new URL(PUBLIC_PAGE_URL).pathname, new URL(PUBLIC_GATEWAY_URL).pathname]).toEqual(['/overlay', '/overlay']);
  });
});

describe.each(['prod', 'staging', 'region-replica'])('%s', (overlay) => {
  it('tells nobody of an address without TLS', () => {
    const cluster = new Cluster(renderOverlay(overlay));
    const values = APPS.filter((app) => cluster.has(app)).flatMap((app) => Object.entries(cluster.configOf(app)));
    const open = values.filter(([name, value]) => /^(?:PUBLIC_|SIGN_IN_ORIGINS|API_CORS)/.test(name) && /\b(?:http|ws):/.test(value));
    expect(open).toEqual([]);
    expect(values.filter(([, value]) => /^wss:|^https:/.test(value)).length).toBeGreaterThanOrEqual(cluster.has('api') ? 2 : 0);
  });
});

describe('a second region', () => {
  const cluster = new Cluster(renderOverlay('region-replica'));

  it('has gateways and the page, and nothing that needs the database', () => {
    expect(cluster.workloads.map(({ metadata }) => metadata.name)).toEqual(['gateway', 'web']);
    expect(cluster.objects.filter(({ metadata }) => /api|listener|migrate|postgres/.test(metadata.name))).toEqual([]);
  });

  it('reads the feed at the replica that its Secret names', () => {
    expect(settingsOf('gateway', clusterEnv(cluster, cluster.deployment('gateway')))).toMatchObject({
      REDIS_READ_URL: expect.stringContaining('replica') as unknown,
    });
  });

  it('asks the API at home', () => {
    const { env } = containerOf(cluster.deployment('web'));
    expect(env.find(({ name }) => name === 'API_HOST')?.value).not.toContain('svc.cluster.local');
    expect(env.find(({ name }) => name === 'GATEWAY_HOST')?.value).toContain('gateway-pods.$(POD_NAMESPACE).svc.cluster.local');
  });
});

describe('docs/deploy/kubernetes.md', () => {
  it('makes every Secret, with keys that the apps know', () => {
    const text = readFileSync(join(ROOT, 'docs/deploy/kubernetes.md'), 'utf8');
    const made = [...text.matchAll(/^secret (\S+) (.*)$/gm)].map(([, name = '', rest = '']): [string, string[]] => [
      name,
      [...rest.matchAll(/--from-(?:literal|file)=(\w+)=/g)].map(([, key = '']) => key),
    ]);
    expect(made.map(([name]) => name).sort()).toEqual([...secretTemplates().keys()].sort());
    for (const [name, keys] of made) expect(Object.keys(secretTemplates().get(name) ?? {}), name).toEqual(expect.arrayContaining(keys));
    for (const app of APPS) {
      const keys = new Map(made).get(`droppio-${app}`) ?? [];
      expect(keys).toEqual(expect.arrayContaining(Object.keys(SCHEMAS[app].shape).filter((key) => isSecret(key) && isNeeded(app, key))));
    }
  });

  const isNeeded = (app: App, key: string): boolean => {
    const { error } = SCHEMAS[app].safeParse({});
    return error?.issues.some(({ path }) => path[0] === key) ?? false;
  };
});
