import { matches, type Cluster, type NetworkPolicy, type Peer, type Selector, type Workload } from './shapes.js';

/** Carrier-grade NAT is what some clouds give to pods. */
const PRIVATE_4 = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
const PRIVATE = [...PRIVATE_4, 'fc00::/7'];
/** Neighbours, other tenants of a cloud, the address at which a cloud tells a machine its credentials, and what leads back to those of IPv4. */
const NOT_THE_INTERNET: Readonly<Record<string, readonly string[]>> = {
  '0.0.0.0/0': [...PRIVATE_4, '169.254.0.0/16'],
  '::/0': ['fc00::/7', 'fe80::/10', '64:ff9b::/96', '64:ff9b:1::/48'],
};
const INTERNET: Readonly<Record<string, string>> = { '0.0.0.0/0': 'the internet', '::/0': 'the internet of IPv6' };

/**
 * Every way that the policies of a cluster leave open, as "from > to:port", sorted. Between two pods of the cluster both of them have to
 * allow it; a way that only one of them allows is not open, and is told with "!" so that a test sees the half that is missing.
 */
export function flows(cluster: Cluster): string[] {
  const out = new Set(cluster.workloads.flatMap((workload) => ways(cluster, workload, 'egress')));
  const into = new Set(cluster.workloads.flatMap((workload) => ways(cluster, workload, 'ingress')));
  const names = new Set(cluster.workloads.map(({ metadata }) => metadata.name));
  return [...new Set([...out, ...into])].map((way) => (isInside(way, names) && !(out.has(way) && into.has(way)) ? `! ${way}` : way)).sort();
}

function isInside(way: string, names: ReadonlySet<string>): boolean {
  const [, from = '', to = ''] = /^(.*) > (.*):/.exec(way) ?? [];
  return names.has(from) && names.has(to);
}

function ways(cluster: Cluster, workload: Workload, direction: 'egress' | 'ingress'): string[] {
  const { name } = workload.metadata;
  return policiesOf(cluster, workload).flatMap(({ spec }) =>
    rulesOf(spec, direction).flatMap(({ peers, ports }) =>
      peersIn(cluster, peers).flatMap((peer) =>
        ports.map(({ protocol, port }) => {
          const door = protocol === 'TCP' ? String(port) : `${String(port)}/${protocol}`;
          return direction === 'egress' ? `${name} > ${peer}:${door}` : `${peer} > ${name}:${door}`;
        }),
      ),
    ),
  );
}

function policiesOf(cluster: Cluster, workload: Workload): readonly NetworkPolicy[] {
  return cluster.policies.filter(({ spec }) => matches(spec.podSelector, workload.spec.template.metadata.labels));
}

interface Rule {
  readonly peers: readonly Peer[] | undefined;
  readonly ports: NetworkPolicy['spec']['egress'][number]['ports'];
}

function rulesOf(spec: NetworkPolicy['spec'], direction: 'egress' | 'ingress'): readonly Rule[] {
  if (direction === 'egress') return spec.egress.map(({ to, ports }) => ({ peers: to, ports }));
  return spec.ingress.map(({ from, ports }) => ({ peers: from, ports }));
}

function peersIn(cluster: Cluster, peers: readonly Peer[] | undefined): readonly string[] {
  if (peers === undefined) return ['anybody'];
  const blocks = peers.flatMap(({ ipBlock }) => ipBlock ?? []);
  const plain = blocks.filter(({ except }) => except === undefined).map(({ cidr }) => cidr);
  const arePrivate = PRIVATE.every((cidr) => plain.includes(cidr));
  const named = peers.flatMap((peer) => nameOf(cluster, peer));
  return arePrivate ? [...named.filter((name) => !PRIVATE.includes(name)), 'private addresses'] : named;
}

function nameOf(cluster: Cluster, { podSelector, namespaceSelector, ipBlock }: Peer): readonly string[] {
  if (ipBlock !== undefined) {
    const others = NOT_THE_INTERNET[ipBlock.cidr];
    const isInternet = others?.every((cidr) => ipBlock.except?.includes(cidr) === true) === true;
    return [(isInternet ? INTERNET[ipBlock.cidr] : undefined) ?? ipBlock.cidr];
  }
  if (namespaceSelector !== undefined) return [`${words(namespaceSelector)}${podSelector === undefined ? '' : ` ${words(podSelector)}`}`];
  // Of a pod that this installation does not have (Redis elsewhere) nothing is opened.
  return podSelector === undefined ? [] : cluster.selected(podSelector).map(({ metadata }) => metadata.name);
}

function words({ matchLabels, matchExpressions }: Selector): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...labels, ...matchExpressions.map(({ key, values }) => `${key} in ${values.join('|')}`)].join(',');
}
