import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { renderWith, ROOT, type Manifest } from './render.js';

/** Where a request goes: a Service (for nginx: an upstream), `page`, or nowhere. */
export type Way = (request: Request) => string | undefined;
export interface Request {
  readonly path: string;
  /** The header, as a client writes it. */
  readonly upgrade?: string;
}

export interface Edge {
  readonly way: Way;
  /** How long each way lets a socket or a stream be silent, in seconds; Infinity where it does not count. */
  readonly silence: readonly number[];
  readonly text: string;
}

/** What comes of a request under the rules of each kind of edge, evaluated as its documentation says. */
export function edges(): ReadonlyMap<string, Edge> {
  return new Map([
    ['docker/nginx/web.conf', webServer()],
    ['gateway-api', gatewayApi(renderWith('gateway-api'))],
    ['envoy-gateway', gatewayApi(renderWith('envoy-gateway'))],
    ['traefik', traefik(renderWith('traefik'))],
    ['ingress-nginx', ingress(renderWith('ingress-nginx'))],
  ]);
}

const seconds = (text: string): number => Number(/^(\d+)s?$/.exec(text)?.[1]);

function webServer(): Edge {
  const text = readFileSync(join(ROOT, 'docker/nginx/web.conf'), 'utf8').replaceAll(/^\s*#.*$/gm, '');
  const locations = [...text.matchAll(/^ {2}location (=|~)? ?(\S+) \{$([\s\S]*?)^ {2}\}$/gm)].map(
    ([, operator, pattern = '', body = '']) => ({
      operator,
      pattern,
      body,
    }),
  );
  const socketsOnly = 'if ($http_upgrade = "")';
  const way: Way = ({ path, upgrade }) => {
    // nginx: exact first, then regular expressions in order, then the longest prefix.
    const [found] = [
      ...locations.filter(({ operator, pattern }) => operator === '=' && pattern === path),
      ...locations.filter(({ operator, pattern }) => operator === '~' && new RegExp(pattern).test(path)),
      ...locations
        .filter(({ operator, pattern }) => operator === undefined && path.startsWith(pattern))
        .sort((a, b) => b.pattern.length - a.pattern.length),
    ];
    if (found === undefined || found.body.includes('return 404;')) return undefined;
    if (upgrade === undefined && found.body.includes(socketsOnly)) return 'page';
    return /proxy_pass http:\/\/(\w+);/.exec(found.body)?.[1] ?? 'page';
  };
  const toGateways = locations.filter(({ body }) => body.includes('proxy_pass http://gateways;'));
  const silence = toGateways.flatMap(({ body }) =>
    [...body.matchAll(/proxy_(?:read|send)_timeout (\d+s);/g)].map(([, time = '']) => seconds(time)),
  );
  return { way, silence, text };
}

const Route = z.looseObject({
  spec: z.looseObject({
    rules: z.array(
      z.looseObject({
        matches: z
          .array(
            z.strictObject({
              path: z.strictObject({ type: z.enum(['Exact', 'PathPrefix']), value: z.string() }),
              headers: z
                .tuple([z.strictObject({ name: z.literal('Upgrade'), type: z.literal('RegularExpression'), value: z.string() })])
                .optional(),
            }),
          )
          .default([]),
        timeouts: z.strictObject({ request: z.string() }).optional(),
        backendRefs: z.tuple([z.strictObject({ name: z.string(), port: z.int() })]).optional(),
      }),
    ),
  }),
});

function gatewayApi(objects: readonly Manifest[]): Edge {
  const routes = objects.filter(({ kind }) => kind === 'HTTPRoute');
  const { spec } = Route.parse(routes.find(({ metadata }) => metadata.name === 'droppio'));
  const rules = spec.rules.flatMap(({ matches, backendRefs, timeouts }) =>
    matches.map((match) => ({ ...match, service: backendRefs?.[0].name, timeouts })),
  );
  const way: Way = ({ path, upgrade }) => {
    const fitting = rules.filter(
      ({ path: { type, value }, headers }) =>
        (type === 'Exact' ? path === value : path === value || path.startsWith(`${value}/`)) &&
        (headers === undefined || (upgrade !== undefined && caseless(headers[0].value).test(upgrade))),
    );
    // The API's own order: exact, longest path, most headers.
    fitting.sort(
      (a, b) =>
        Number(b.path.type === 'Exact') - Number(a.path.type === 'Exact') ||
        b.path.value.length - a.path.value.length ||
        Number(b.headers !== undefined) - Number(a.headers !== undefined),
    );
    return fitting[0]?.service;
  };
  const silence = rules
    .filter(({ service }) => service === 'gateway')
    // Without one an implementation's own counts, and Envoy's is 15 s.
    .map(({ timeouts }) => (timeouts?.request === '0s' ? Infinity : seconds(timeouts?.request ?? '15s')));
  return { way, silence, text: JSON.stringify(routes) };
}

/** RE2, as Envoy and Go have it, which can ignore the case of a part; here that part is the whole. */
function caseless(pattern: string): RegExp {
  const [, body] = /^\^\(\?i:(\w+)\)\$$/.exec(pattern) ?? [];
  if (body === undefined) throw new Error(`${pattern} is no pattern that this model knows`);
  return new RegExp(`^${body}$`, 'i');
}

const IngressRoute = z.looseObject({
  spec: z.looseObject({
    routes: z.array(
      z.looseObject({
        match: z.string(),
        priority: z.int(),
        observability: z.object({ accessLogs: z.boolean() }).optional(),
        services: z.tuple([z.looseObject({ name: z.string(), port: z.int(), strategy: z.string().optional() })]),
      }),
    ),
  }),
});

function traefik(objects: readonly Manifest[]): Edge {
  const { spec } = IngressRoute.parse(objects.find(({ kind }) => kind === 'IngressRoute'));
  const routes = [...spec.routes].sort((a, b) => b.priority - a.priority);
  const fits = (rule: string, { path, upgrade }: Request): boolean => {
    const needsUpgrade = rule.includes('HeaderRegexp(`Upgrade`, `(?i)^websocket$`)');
    const exact = [...rule.matchAll(/\bPath\(`([^`]+)`\)/g)].some(([, value]) => value === path);
    const below = [...rule.matchAll(/\bPathPrefix\(`([^`]+)`\)/g)].some(([, value = '']) => path.startsWith(value));
    return (exact || below) && (!needsUpgrade || /^websocket$/i.test(upgrade ?? ''));
  };
  const way: Way = (request) => routes.find(({ match }) => fits(match, request))?.services[0].name;
  const values = readFileSync(join(ROOT, 'k8s/components/traefik/traefik-values.yaml'), 'utf8');
  const [read = NaN, idle = NaN] = ['readTimeout', 'idleTimeout'].map((name) =>
    Number(new RegExp(`${name}: (\\d+)$`, 'm').exec(values)?.[1]),
  );
  return { way, silence: [read === 0 ? Infinity : read, idle], text: JSON.stringify(spec) };
}

const Ingress = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    rules: z.tuple([
      z.looseObject({
        http: z.object({
          paths: z.array(
            z.object({
              path: z.string(),
              pathType: z.enum(['Exact', 'Prefix']),
              backend: z.object({ service: z.object({ name: z.string() }) }),
            }),
          ),
        }),
      }),
    ]),
  }),
});

function ingress(objects: readonly Manifest[]): Edge {
  const object = Ingress.parse(objects.find(({ kind }) => kind === 'Ingress'));
  const { annotations } = object.metadata;
  const { paths } = object.spec.rules[0].http;
  const way: Way = ({ path }) =>
    paths.find(({ path: value, pathType }) => path === value || (pathType === 'Prefix' && path.startsWith(`${value}/`)))?.backend.service
      .name;
  const silence = ['read', 'send'].map((kind) => seconds(annotations[`nginx.ingress.kubernetes.io/proxy-${kind}-timeout`] ?? '60'));
  return { way, silence, text: JSON.stringify(object) };
}
