import * as z from 'zod';
import type { Manifest } from './render.js';

const ScalingRules = z.strictObject({
  stabilizationWindowSeconds: z.int().min(0).max(3600),
  selectPolicy: z.enum(['Max', 'Min', 'Disabled']),
  policies: z.array(z.strictObject({ type: z.enum(['Pods', 'Percent']), value: z.int().min(1), periodSeconds: z.int().min(1).max(1800) })),
});
const Behavior = z.strictObject({ scaleUp: ScalingRules, scaleDown: ScalingRules });
const Target = z.strictObject({ apiVersion: z.literal('apps/v1'), kind: z.literal('Deployment'), name: z.string() });

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
          target: z.strictObject({ type: z.literal('AverageValue'), averageValue: z.string() }),
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
  readonly behavior: z.output<typeof Behavior>;
  readonly fallback?: z.output<typeof ScaledObject>['spec']['fallback'];
  readonly namespace: string | undefined;
  /** What a pod without the metric counts for. */
  readonly takesSilenceForZero: boolean;
}

export function scalersIn(objects: readonly Manifest[]): Scaler[] {
  return objects.flatMap((object) => {
    if (object.kind === 'HorizontalPodAutoscaler') return [fromAutoscaler(object)];
    return object.kind === 'ScaledObject' ? [fromScaledObject(object)] : [];
  });
}

function fromAutoscaler(object: Manifest): Scaler {
  const { spec } = Autoscaler.parse(object);
  const [{ pods }] = spec.metrics;
  return {
    by: 'HorizontalPodAutoscaler',
    deployment: spec.scaleTargetRef.name,
    min: spec.minReplicas,
    max: spec.maxReplicas,
    target: Number(pods.target.averageValue),
    asks: pods.metric.name,
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
