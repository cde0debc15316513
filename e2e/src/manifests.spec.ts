import { readdirSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { gatewaySettings } from '@droppio/gateway/env';
import { TIP_JAR_ADDRESS } from '@droppio/tip-jar';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { render } from './manifests-kustomize.js';
import {
  APPS,
  clusterEnv,
  drainMs,
  imageEnv,
  ROOT,
  SAMPLE_SECRETS,
  samples,
  SCHEMAS,
  secretTemplates,
  settingsOf,
  Shutdown,
  strangers,
  type App,
} from './manifests-settings.js';
import { Cluster, containerOf, matches, mebibytes, portsOf, type Workload } from './manifests-shapes.js';

const K8S = resolve(ROOT, 'k8s');
const INSTALLATIONS = ['dev', 'staging', 'prod'] as const;
const clusterOf = (folder: string): Cluster => new Cluster(render(resolve(K8S, folder)));
const version = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'))).version;
const Ports = z.object({ PORT: z.number().optional(), INTERNAL_PORT: z.number() });
const nginx = (file: string): string => readFileSync(resolve(ROOT, 'docker/nginx', file), 'utf8');

/** What may pass between SIGTERM and SIGKILL for the orderly way to be over, with 20 s to spare. */
const SPARE_SECONDS = 20;
const WEB_DRAIN_SECONDS = Number(/worker_shutdown_timeout (\d+)s;/.exec(nginx('nginx.conf'))?.[1]);

function patienceOf(cluster: Cluster, workload: Workload): { needed: number; shutdown: number; drain: number } {
  const { name } = workload.metadata;
  const app = APPS.find((known) => known === name);
  if (app === undefined) {
    const drain = name === 'web' ? WEB_DRAIN_SECONDS : 0;
    return { needed: drain + SPARE_SECONDS, shutdown: drain, drain };
  }
  const settings = Shutdown.parse(settingsOf(app, clusterEnv(cluster, workload)));
  const drain = drainMs(settings) / 1000;
  return { needed: drain + SPARE_SECONDS, shutdown: settings.SHUTDOWN_TIMEOUT_MS / 1000, drain };
}

describe('k8s/', () => {
  it('has no file that nothing refers to, and renders every folder', () => {
    const seen = new Set<string>();
    for (const overlay of readdirSync(resolve(K8S, 'overlays'))) render(resolve(K8S, 'overlays', overlay), seen);
    const files = readdirSync(K8S, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));
    const orphans = files.filter((file) => !seen.has(resolve(K8S, file))).map((file) => basename(file));
    expect(orphans.sort()).toEqual(['prometheus-adapter-values.yaml', 'secrets.template.yaml']);
  });

  it('holds no secret: templates have names and no values, and no kustomization makes a Secret', () => {
    const values = [...secretTemplates().values()].flatMap((template) => Object.values(template));
    expect(values.filter((value) => value !== '')).toEqual([]);
    const kinds = INSTALLATIONS.flatMap((name) => clusterOf(`overlays/${name}`).objects.map(({ kind }) => kind));
    expect(kinds).not.toContain('Secret');
  });

  it('gives the gateway neither the database nor the administrator’s token', () => {
    expect(Object.keys(secretTemplates().get('droppio-gateway') ?? {})).toEqual(['REDIS_URL', 'OVERLAY_TOKEN_KEYS']);
  });
});

describe.each(INSTALLATIONS)('the %s installation', (installation) => {
  const cluster = clusterOf(`overlays/${installation}`);

  it('names each object once', () => {
    const names = cluster.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names).toEqual([...new Set(names)]);
  });

  it('enforces the restricted pod security standard, and every pod keeps it', () => {
    const namespace = cluster.objects.find(({ kind }) => kind === 'Namespace');
    expect(namespace?.metadata['labels']).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    for (const { spec } of cluster.workloads) {
      const pod = spec.template.spec;
      expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(z.looseObject({ runAsUser: z.int().min(1) }).safeParse(pod.securityContext).success).toBe(true);
      for (const forbidden of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod).not.toHaveProperty(forbidden);
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('names a version of every image, and of ours the one in package.json', () => {
    for (const { image } of cluster.workloads.map(containerOf)) {
      const [, ours, tag] = /^(droppio\/)?[a-z]+:(.+)$/.exec(image) ?? [];
      expect(tag).toMatch(/^\d/);
      if (ours !== undefined) expect(tag).toBe(version);
    }
  });

  it('asks every long-lived pod how it is, on a port that it has', () => {
    for (const deployment of cluster.deployments) {
      const { startupProbe, livenessProbe, readinessProbe, ports } = containerOf(deployment);
      for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
        expect(probe).toBeDefined();
        if (probe?.httpGet !== undefined) expect(ports.map(({ name }) => name)).toContain(probe.httpGet.port);
      }
      // Whoever decides about restarts must not look at other services.
      expect(livenessProbe?.httpGet?.path).not.toBe('/health/ready');
    }
    for (const app of APPS) {
      expect(containerOf(cluster.deployment(app)).readinessProbe?.httpGet).toEqual({ path: '/health/ready', port: 'internal' });
    }
  });

  it('reserves and limits memory, and keeps the heap below the limit', () => {
    for (const { resources, env } of cluster.workloads.map(containerOf)) {
      const limit = mebibytes(resources.limits['memory'] ?? '');
      expect(mebibytes(resources.requests['memory'] ?? '')).toBeLessThanOrEqual(limit);
      expect(resources.requests).toHaveProperty('cpu');
      expect(resources.limits).not.toHaveProperty('cpu');
      const heap = /--max-old-space-size=(\d+)/.exec(env.find(({ name }) => name === 'NODE_OPTIONS')?.value ?? '')?.[1];
      if (heap !== undefined) expect(Number(heap)).toBeLessThanOrEqual(limit * 0.8);
    }
  });

  it('waits long enough before it kills: preStop, the longest drain, and 20 s', () => {
    for (const deployment of cluster.deployments) {
      const { terminationGracePeriodSeconds: grace } = deployment.spec.template.spec;
      const preStop = containerOf(deployment).lifecycle?.preStop.sleep.seconds ?? 0;
      const { needed, shutdown, drain } = patienceOf(cluster, deployment);
      expect(grace, deployment.metadata.name).toBeGreaterThanOrEqual(preStop + needed);
      // The process gives up by itself, and says so, before it is killed; but not before its drain is over.
      expect(grace, deployment.metadata.name).toBeGreaterThanOrEqual(preStop + shutdown + 5);
      expect(shutdown, deployment.metadata.name).toBeGreaterThanOrEqual(drain);
    }
  });

  it('sends traffic away from a pod before the pod stops taking it', () => {
    for (const name of ['gateway', 'api', 'web']) {
      expect(containerOf(cluster.deployment(name)).lifecycle?.preStop.sleep.seconds).toBeGreaterThanOrEqual(5);
    }
  });

  it('replaces gateways by surging, so that no socket lacks a place', () => {
    expect(cluster.deployment('gateway').spec['strategy']).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 },
    });
  });

  it('lets one pod of each app go at a time, and never blocks the drain of a node', () => {
    for (const app of [...APPS, 'web']) {
      const deployment = cluster.deployment(app);
      const labels = deployment.spec.template.metadata.labels;
      const budgets = cluster.budgets.filter(({ spec }) => matches(spec.selector, labels));
      expect(budgets).toHaveLength(1);
      const replicas =
        cluster.autoscalers.find(({ spec }) => spec.scaleTargetRef.name === app)?.spec.minReplicas ?? deployment.spec.replicas ?? 1;
      const leaves = budgets[0]?.spec.maxUnavailable ?? 0;
      expect(leaves).toBeGreaterThanOrEqual(1);
      if (replicas > 1) expect(leaves).toBeLessThan(replicas);
    }
  });

  it('finds pods behind every service, and the ports it names', () => {
    for (const { spec } of cluster.services) {
      const pods = cluster.selected({ matchLabels: spec.selector, matchExpressions: [] });
      expect(pods).toHaveLength(1);
      const names = pods.flatMap((pod) => containerOf(pod).ports.map(({ name }) => name));
      for (const { targetPort } of spec.ports) expect(names).toContain(targetPort);
    }
    const gateway = cluster.services.filter(({ metadata }) => metadata.name.startsWith('gateway'));
    expect(gateway.map(({ spec }) => spec.ports[0]?.appProtocol)).toEqual(['kubernetes.io/ws', 'kubernetes.io/ws']);
  });
});

describe.each(INSTALLATIONS)('the network policies of %s', (installation) => {
  const cluster = clusterOf(`overlays/${installation}`);
  const incoming = (workload: Workload) =>
    cluster.policies
      .filter(({ spec }) => matches(spec.podSelector, workload.spec.template.metadata.labels))
      .flatMap(({ spec }) => spec.ingress);

  it('deny everything that no other policy allows', () => {
    const deny = cluster.policies.find(({ metadata }) => metadata.name === 'default-deny');
    expect(deny?.spec).toEqual({
      podSelector: { matchLabels: {}, matchExpressions: [] },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: [],
    });
  });

  it('open exactly the ports that pods have', () => {
    for (const workload of cluster.workloads) {
      const open = incoming(workload).flatMap(({ ports }) => ports.map(({ port }) => port));
      expect([...new Set(open)].sort(), workload.metadata.name).toEqual([...portsOf(workload)].sort());
    }
  });

  it('let pods reach only ports that the others open to them', () => {
    for (const { spec } of cluster.policies) {
      for (const { to = [], ports } of spec.egress) {
        for (const target of to.flatMap(({ podSelector }) => (podSelector === undefined ? [] : cluster.selected(podSelector)))) {
          for (const { port } of ports) {
            const doors = incoming(target).filter((rule) => rule.ports.some((door) => door.port === port));
            const callers = cluster.selected(spec.podSelector).map((caller) => caller.spec.template.metadata.labels);
            for (const labels of callers) {
              expect(
                doors.some(({ from = [] }) => from.some((peer) => peer.podSelector !== undefined && matches(peer.podSelector, labels))),
              ).toBe(true);
            }
          }
        }
      }
    }
  });

  it('keep the gateway from Postgres and from the internet', () => {
    const labels = cluster.deployment('gateway').spec.template.metadata.labels;
    const outgoing = cluster.policies.filter(({ spec }) => matches(spec.podSelector, labels)).flatMap(({ spec }) => spec.egress);
    expect([...new Set(outgoing.flatMap(({ ports }) => ports.map(({ port }) => port)))].sort()).toEqual([53, 6379]);
  });
});

describe.each(INSTALLATIONS)('the settings in %s', (installation) => {
  const cluster = clusterOf(`overlays/${installation}`);

  it.each(APPS)('of %s are settings that it has, and all it needs to start', (app) => {
    const workload = cluster.deployment(app);
    const given = clusterEnv(cluster, workload);
    expect(strangers(app, Object.keys(given))).toEqual([]);
    const { PORT, INTERNAL_PORT } = Ports.parse(settingsOf(app, given));
    expect(portsOf(workload)).toEqual([...(PORT === undefined ? [] : [PORT]), INTERNAL_PORT]);
  });

  it('of the migration are settings of the storage room', () => {
    const job = cluster.workloads.find(({ kind }) => kind === 'Job');
    expect(job).toBeDefined();
    if (job !== undefined) expect(Object.keys(clusterEnv(cluster, job))).toEqual(['DATABASE_URL']);
  });

  it('leave the schema to the migration', () => {
    for (const app of ['api', 'listener'] as const) {
      expect(settingsOf(app, clusterEnv(cluster, cluster.deployment(app)))['DATABASE_MIGRATE']).toBe(false);
    }
  });

  it('believe the edge, without which all viewers would share one address and its limits', () => {
    expect(cluster.configMaps.get('gateway')).toHaveProperty('GATEWAY_TRUSTED_PROXIES', 'uniquelocal');
    expect(cluster.configMaps.get('api')).toHaveProperty('API_TRUSTED_PROXIES', 'uniquelocal');
  });

  it('give the page and the sockets one host, the only one that the page’s policy allows', () => {
    const { PUBLIC_PAGE_URL = '', PUBLIC_GATEWAY_URL = '' } = cluster.configMaps.get('api') ?? {};
    expect(new URL(PUBLIC_GATEWAY_URL).host).toBe(new URL(PUBLIC_PAGE_URL).host);
    expect([new URL(PUBLIC_PAGE_URL).pathname, new URL(PUBLIC_GATEWAY_URL).pathname]).toEqual(['/overlay', '/overlay']);
  });
});

describe.each(['staging', 'prod'] as const)('the autoscaler of %s', (installation) => {
  const cluster = clusterOf(`overlays/${installation}`);
  const [autoscaler, ...others] = cluster.autoscalers.map(({ spec }) => spec);
  const Adapter = z.object({
    rules: z.object({ custom: z.array(z.object({ name: z.object({ as: z.string() }), metricsQuery: z.string() })) }),
  });

  it('is the only one, and the Deployment leaves the number of pods to it', () => {
    expect(others).toEqual([]);
    expect(autoscaler?.scaleTargetRef).toMatchObject({ kind: 'Deployment', name: 'gateway' });
    expect(cluster.deployment('gateway').spec.replicas).toBeUndefined();
    expect(autoscaler?.maxReplicas).toBeGreaterThan(autoscaler?.minReplicas ?? Infinity);
  });

  it('aims at 60 % of the sockets that a pod accepts', () => {
    const { GATEWAY_MAX_SOCKETS } = gatewaySettings.parse({
      ...samples(['REDIS_URL', 'OVERLAY_TOKEN_KEYS']),
      ...cluster.configMaps.get('gateway'),
    });
    expect(Number(autoscaler?.metrics[0].pods.target.averageValue)).toBe(0.6 * GATEWAY_MAX_SOCKETS);
  });

  it('asks for the metric that the adapter’s rule makes', () => {
    const file = resolve(K8S, 'components/autoscaling-hpa/prometheus-adapter-values.yaml');
    const names = Adapter.parse(parse(readFileSync(file, 'utf8'))).rules.custom.map(({ name }) => name.as);
    expect(names).toEqual([autoscaler?.metrics[0].pods.metric.name]);
  });

  it('grows at once and shrinks by one pod in five minutes', () => {
    expect(autoscaler?.behavior.scaleUp.stabilizationWindowSeconds).toBe(0);
    expect(autoscaler?.behavior.scaleDown).toEqual({
      stabilizationWindowSeconds: 900,
      selectPolicy: 'Min',
      policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }],
    });
  });
});

const ComposeService = z.looseObject({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  stop_grace_period: z.string().optional(),
  deploy: z.object({ replicas: z.int() }).optional(),
  networks: z.array(z.string()),
  ports: z.array(z.string()).default([]),
});

describe('docker/compose.yaml', () => {
  const text = readFileSync(resolve(ROOT, 'docker/compose.yaml'), 'utf8');
  const { services } = z.looseObject({ services: z.record(z.string(), ComposeService) }).parse(parse(text, { merge: true }));
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

  it('runs two gateways, publishes the edge only, and keeps it away from the data', () => {
    expect(service('gateway').deploy?.replicas).toBe(2);
    expect(Object.keys(services).filter((name) => service(name).ports.length > 0)).toEqual(['web']);
    expect(service('web').networks).not.toContain('data');
  });

  it('confines our containers', () => {
    for (const name of [...APPS, 'web']) {
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

  it.each(['Dockerfile', 'web.Dockerfile', 'dev-chain.Dockerfile'])('of %s run as a numeric user, from bases with a version', (file) => {
    const text = readFileSync(resolve(ROOT, 'docker', file), 'utf8');
    expect([...text.matchAll(/^USER (.*)$/gm)].at(-1)?.[1]).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    for (const [, image = ''] of text.matchAll(/^ARG \w+_IMAGE=(.*)$/gm)) expect(image).toMatch(/:\d/);
    for (const [, from = ''] of text.matchAll(/^FROM (\S+)/gm)) expect(from).toMatch(/^\$\{\w+_IMAGE\}$/);
    expect(text).toMatch(/^(ENTRYPOINT \[|FROM \$\{NGINX_IMAGE\})/m);
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
  });

  it('never takes a gateway out for failing, and counts sockets across workers', () => {
    const template = nginx('upstreams.conf.template');
    for (const [server] of template.matchAll(/^ *server .*$/gm)) expect(server).toContain(' resolve max_fails=0;');
    expect(template).toMatch(/upstream gateways \{[^}]*zone gateways \d+k;[^}]*least_conn;/);
  });
});
