import * as z from 'zod';
import type { Manifest } from './render.js';
import { cpuScalersIn, scalersIn, type CpuScaler, type Scaler } from './scaling.js';

const Labels = z.record(z.string(), z.string());

const Selector = z.strictObject({
  matchLabels: Labels.default({}),
  matchExpressions: z.array(z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) })).default([]),
});
export type Selector = z.output<typeof Selector>;

const Probe = z.looseObject({
  httpGet: z.strictObject({ path: z.string(), port: z.string() }).optional(),
  periodSeconds: z.number(),
  failureThreshold: z.number(),
});

const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })).default([]),
  envFrom: z
    .array(
      z.strictObject({
        configMapRef: z.strictObject({ name: z.string() }).optional(),
        secretRef: z.strictObject({ name: z.string() }).optional(),
      }),
    )
    .default([]),
  env: z.array(z.strictObject({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() })).default([]),
  resources: z.strictObject({ requests: Labels, limits: Labels }),
  startupProbe: Probe.optional(),
  livenessProbe: Probe.optional(),
  readinessProbe: Probe.optional(),
  lifecycle: z.strictObject({ preStop: z.strictObject({ sleep: z.strictObject({ seconds: z.number() }) }) }).optional(),
  securityContext: z.looseObject({}),
});
export type Container = z.output<typeof Container>;

const PodSpec = z.looseObject({
  terminationGracePeriodSeconds: z.number(),
  securityContext: z.looseObject({}),
  containers: z.array(Container).min(1),
  initContainers: z.never().optional(),
  volumes: z.array(z.looseObject({ name: z.string() })).default([]),
  priorityClassName: z.string().optional(),
  topologySpreadConstraints: z
    .array(z.looseObject({ topologyKey: z.string(), labelSelector: Selector, matchLabelKeys: z.array(z.string()) }))
    .optional(),
});

export const Workload = z.looseObject({
  kind: z.enum(['Deployment', 'Job', 'CronJob']),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    replicas: z.number().optional(),
    selector: Selector.optional(),
    template: z.looseObject({ metadata: z.looseObject({ labels: Labels, annotations: Labels.optional() }), spec: PodSpec }),
  }),
});
export type Workload = z.output<typeof Workload>;

/** A Job that waits to be made is held to what a Job is held to. */
const CronJob = z
  .looseObject({
    metadata: z.looseObject({ name: z.string() }),
    spec: z.strictObject({
      suspend: z.literal(true),
      schedule: z.string(),
      concurrencyPolicy: z.literal('Forbid'),
      jobTemplate: z.looseObject({ spec: z.looseObject({}) }),
    }),
  })
  .transform(({ metadata, spec }) => Workload.parse({ kind: 'CronJob', metadata, spec: spec.jobTemplate.spec }));

const Ports = z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP']), port: z.number() })).min(1);
const Peer = z.strictObject({
  podSelector: Selector.optional(),
  namespaceSelector: Selector.optional(),
  ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()).optional() }).optional(),
});
export type Peer = z.output<typeof Peer>;
const Peers = z.array(Peer).min(1).optional();
export const NetworkPolicy = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.strictObject({
    podSelector: Selector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])).min(1),
    ingress: z.array(z.strictObject({ from: Peers, ports: Ports })).default([]),
    egress: z.array(z.strictObject({ to: Peers, ports: Ports })).default([]),
  }),
});
export type NetworkPolicy = z.output<typeof NetworkPolicy>;

export const Budget = z.looseObject({
  spec: z.strictObject({ maxUnavailable: z.int().min(1), unhealthyPodEvictionPolicy: z.string(), selector: Selector }),
});

export const Service = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    selector: Labels,
    ports: z.array(z.looseObject({ name: z.string(), port: z.int(), targetPort: z.string(), appProtocol: z.string().optional() })),
  }),
});
export type Service = z.output<typeof Service>;

const ConfigMap = z.looseObject({ metadata: z.looseObject({ name: z.string() }), data: Labels });
export const Secret = z.looseObject({ metadata: z.looseObject({ name: z.string() }), stringData: Labels });

/** One rendered folder, sorted by kind and parsed: an object of another shape than the policies know throws. */
export class Cluster {
  readonly workloads: readonly Workload[];
  readonly policies: readonly NetworkPolicy[];
  readonly budgets: readonly z.output<typeof Budget>[];
  readonly services: readonly Service[];
  readonly scalers: readonly Scaler[];
  readonly cpuScalers: readonly CpuScaler[];
  readonly configMaps: ReadonlyMap<string, Readonly<Record<string, string>>>;

  constructor(readonly objects: readonly Manifest[]) {
    const of = <S extends z.ZodType>(shape: S, ...kinds: string[]): z.output<S>[] =>
      objects.filter(({ kind }) => kinds.includes(kind)).map((object) => shape.parse(object));
    this.workloads = [...of(Workload, 'Deployment', 'Job'), ...of(CronJob, 'CronJob')];
    this.policies = of(NetworkPolicy, 'NetworkPolicy');
    this.budgets = of(Budget, 'PodDisruptionBudget');
    this.services = of(Service, 'Service');
    this.scalers = scalersIn(objects);
    this.cpuScalers = cpuScalersIn(objects);
    this.configMaps = new Map(of(ConfigMap, 'ConfigMap').map(({ metadata, data }) => [metadata.name, data]));
  }

  get deployments(): readonly Workload[] {
    return this.workloads.filter(({ kind }) => kind === 'Deployment');
  }

  has(name: string): boolean {
    return this.deployments.some(({ metadata }) => metadata.name === name);
  }

  deployment(name: string): Workload {
    const found = this.deployments.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`There is no Deployment ${name}.`);
    return found;
  }

  /** What the ConfigMap of a Deployment holds; kustomize gives it a name of its own for every content. */
  configOf(name: string): Readonly<Record<string, string>> {
    const [reference] = containerOf(this.deployment(name)).envFrom.flatMap(({ configMapRef }) => configMapRef ?? []);
    const config = this.configMaps.get(reference?.name ?? '');
    if (config === undefined) throw new Error(`${name} has no ConfigMap.`);
    return config;
  }

  /** The workloads whose pods a selector chooses. */
  selected(selector: Selector): readonly Workload[] {
    return this.workloads.filter(({ spec }) => matches(selector, spec.template.metadata.labels));
  }
}

export function matches({ matchLabels, matchExpressions }: Selector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}

/** The pods here have one container each. */
export function containerOf({ metadata, spec }: Workload): Container {
  const [container, ...others] = spec.template.spec.containers;
  if (container === undefined || others.length > 0) throw new Error(`${metadata.name} has not exactly one container.`);
  return container;
}

export function portsOf(workload: Workload): readonly number[] {
  return containerOf(workload).ports.map(({ containerPort }) => containerPort);
}

export function mebibytes(quantity: string): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? [];
  if (number === undefined) throw new Error(`${quantity} is not in Mi or Gi.`);
  return Number(number) * (unit === 'Gi' ? 1024 : 1);
}
