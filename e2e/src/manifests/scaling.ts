import * as z from 'zod';
import type { Manifest } from './kustomize.js';

const ScalingRules = z.strictObject({
  stabilizationWindowSeconds: z.int().min(0).max(3600),
  selectPolicy: z.enum(['Max', 'Min', 'Disabled']),
  policies: z.array(z.strictObject({ type: z.enum(['Pods', 'Percent']), value: z.int().min(1), periodSeconds: z.int().min(1).max(1800) })),
});
export type ScalingRules = z.output<typeof ScalingRules>;
const Behavior = z.strictObject({ scaleUp: ScalingRules, scaleDown: ScalingRules });
const Target = z.strictObject({ apiVersion: z.literal('apps/v1'), kind: z.literal('Deployment'), name: z.string() });

const Average = z.strictObject({ type: z.literal('AverageValue'), averageValue: z.string() });

const Autoscaler = z.looseObject({
  spec: z.strictObject({
    scaleTargetRef: Target,
    minReplicas: z.int(),
    maxReplicas: z.int(),
    metrics: z.tuple([
      z.strictObject({
        type: z.literal('Pods'),
        pods: z.strictObject({
          metric: z.strictObject({ name: z.string() }),
          target: Average,
        }),
      }),
      z.strictObject({
        type: z.literal('Object'),
        object: z.strictObject({
          // The autoscaler asks for its own namespace, whatever the name says.
          describedObject: z.strictObject({ apiVersion: z.literal('v1'), kind: z.literal('Namespace'), name: z.string() }),
          metric: z.strictObject({ name: z.string() }),
          target: Average,
        }),
      }),
    ]),
    behavior: Behavior,
  }),
});

/** On what a pod takes of the CPU that it asked for. */
const CpuAutoscaler = z.looseObject({
  metadata: z.looseObject({ namespace: z.string() }),
  spec: z.strictObject({
    scaleTargetRef: Target,
    minReplicas: z.int().min(1),
    maxReplicas: z.int().min(1),
    metrics: z.tuple([
      z.strictObject({
        type: z.literal('Resource'),
        resource: z.strictObject({
          name: z.literal('cpu'),
          target: z.strictObject({ type: z.literal('Utilization'), averageUtilization: z.int().min(1).max(100) }),
        }),
      }),
    ]),
    behavior: Behavior,
  }),
});

/** KEDA's, as far as it is used here and no further. */
export const ScaledObject = z.strictObject({
  apiVersion: z.literal('keda.sh/v1alpha1'),
  kind: z.literal('ScaledObject'),
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
  spec: z.strictObject({
    scaleTargetRef: Target,
    pollingInterval: z.int().min(1),
    minReplicaCount: z.int().min(1),
    maxReplicaCount: z.int().min(1),
    fallback: z.strictObject({
      failureThreshold: z.int().min(1),
      replicas: z.int().min(0),
      behavior: z.enum(['static', 'currentReplicas', 'currentReplicasIfHigher', 'currentReplicasIfLower']),
    }),
    advanced: z.strictObject({ horizontalPodAutoscalerConfig: z.strictObject({ behavior: Behavior }) }),
    triggers: z.tuple([
      z.strictObject({
        type: z.literal('prometheus'),
        name: z.string(),
        metricType: z.enum(['AverageValue', 'Value']),
        metadata: z.strictObject({
          serverAddress: z.url(),
          query: z.string(),
          threshold: z.string().regex(/^\d+$/),
          ignoreNullValues: z.enum(['true', 'false']),
        }),
      }),
    ]),
  }),
});

/** Whatever decides about the number of pods of a Deployment, in one shape. */
export interface Scaler {
  readonly by: 'HorizontalPodAutoscaler' | 'ScaledObject';
  readonly deployment: string;
  readonly min: number;
  readonly max: number;
  /** Sockets per pod that are aimed at. */
  readonly target: number;
  /** The series that is asked for: a name, or a query. */
  readonly asks: string;
  /** A second one, about all pods together, of which the larger answer counts. */
  readonly forecast?: { readonly asks: string; readonly target: number };
  readonly behavior: z.output<typeof Behavior>;
  readonly fallback?: z.output<typeof ScaledObject>['spec']['fallback'];
  readonly namespace: string | undefined;
  /** What a pod without the metric counts for. */
  readonly takesSilenceForZero: boolean;
}

/** Those that count sockets. */
export function scalersIn(objects: readonly Manifest[]): Scaler[] {
  return objects.flatMap((object) => {
    if (object.kind === 'HorizontalPodAutoscaler') return isOnCpu(object) ? [] : [fromAutoscaler(object)];
    return object.kind === 'ScaledObject' ? [fromScaledObject(object)] : [];
  });
}

export interface CpuScaler {
  readonly deployment: string;
  readonly min: number;
  readonly max: number;
  /** Per cent of the CPU that pods ask for. */
  readonly utilization: number;
  readonly behavior: z.output<typeof Behavior>;
}

export function cpuScalersIn(objects: readonly Manifest[]): CpuScaler[] {
  return objects.filter(isOnCpu).map((object) => {
    const { scaleTargetRef, minReplicas, maxReplicas, metrics, behavior } = CpuAutoscaler.parse(object).spec;
    const utilization = metrics[0].resource.target.averageUtilization;
    return { deployment: scaleTargetRef.name, min: minReplicas, max: maxReplicas, utilization, behavior };
  });
}

const Measured = z.looseObject({ spec: z.looseObject({ metrics: z.array(z.looseObject({ type: z.string() })) }) });

function isOnCpu(object: Manifest): boolean {
  return object.kind === 'HorizontalPodAutoscaler' && Measured.parse(object).spec.metrics.some(({ type }) => type === 'Resource');
}

function fromAutoscaler(object: Manifest): Scaler {
  const { spec } = Autoscaler.parse(object);
  const [{ pods }, { object: whole }] = spec.metrics;
  return {
    by: 'HorizontalPodAutoscaler',
    deployment: spec.scaleTargetRef.name,
    min: spec.minReplicas,
    max: spec.maxReplicas,
    target: Number(pods.target.averageValue),
    asks: pods.metric.name,
    forecast: { asks: whole.metric.name, target: Number(whole.target.averageValue) },
    behavior: spec.behavior,
    namespace: object.metadata.namespace,
    takesSilenceForZero: false,
  };
}

function fromScaledObject(object: Manifest): Scaler {
  const { spec } = ScaledObject.parse(object);
  const [{ metadata }] = spec.triggers;
  return {
    by: 'ScaledObject',
    deployment: spec.scaleTargetRef.name,
    min: spec.minReplicaCount,
    max: spec.maxReplicaCount,
    target: Number(metadata.threshold),
    asks: metadata.query,
    behavior: spec.advanced.horizontalPodAutoscalerConfig.behavior,
    fallback: spec.fallback,
    namespace: object.metadata.namespace,
    takesSilenceForZero: metadata.ignoreNullValues === 'true',
  };
}
