import * as z from 'zod';

const API = z.literal('gateway.envoyproxy.io/v1alpha1');
const metadata = z.looseObject({ name: z.string(), namespace: z.string() });
const targets = (kind: 'Gateway' | 'HTTPRoute') =>
  z.array(z.strictObject({ group: z.literal('gateway.networking.k8s.io'), kind: z.literal(kind), name: z.string() })).min(1);
/** The Gateway API's own form of a time. */
const Duration = z.string().regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/);

/** Envoy Gateway's own kinds (1.4 and newer), as far as they are used here and no further: no package has their schemas. */
export const ClientTrafficPolicy = z.strictObject({
  apiVersion: API,
  kind: z.literal('ClientTrafficPolicy'),
  metadata,
  spec: z.strictObject({
    targetRefs: targets('Gateway'),
    headers: z.strictObject({ earlyRequestHeaders: z.strictObject({ remove: z.array(z.string().min(1)).min(1).max(64) }) }),
  }),
});

export const BackendTrafficPolicy = z.strictObject({
  apiVersion: API,
  kind: z.literal('BackendTrafficPolicy'),
  metadata,
  spec: z.strictObject({
    targetRefs: targets('HTTPRoute'),
    timeout: z.strictObject({ tcp: z.strictObject({ connectTimeout: Duration }) }),
    retry: z.strictObject({
      numRetries: z.int().min(0),
      // Others would repeat what a server may have done already.
      retryOn: z.strictObject({ triggers: z.array(z.enum(['connect-failure', 'refused-stream'])).min(1) }),
    }),
  }),
});

export const EnvoyProxy = z.strictObject({
  apiVersion: API,
  kind: z.literal('EnvoyProxy'),
  metadata,
  spec: z.strictObject({
    provider: z.strictObject({
      type: z.literal('Kubernetes'),
      kubernetes: z.strictObject({
        envoyService: z.strictObject({
          type: z.enum(['ClusterIP', 'LoadBalancer', 'NodePort']),
          externalTrafficPolicy: z.enum(['Local', 'Cluster']),
        }),
      }),
    }),
    telemetry: z.strictObject({
      accessLog: z.strictObject({
        settings: z
          .array(
            z.strictObject({
              format: z.strictObject({ type: z.literal('JSON'), json: z.record(z.string(), z.string()) }),
              sinks: z.array(z.strictObject({ type: z.literal('File'), file: z.strictObject({ path: z.string().min(1) }) })).min(1),
            }),
          )
          .min(1),
      }),
    }),
  }),
});
