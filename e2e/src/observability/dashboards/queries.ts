/** Fits any installation that was chosen, and one without a namespace. */
export const NS = 'namespace=~"$namespace"';

/** How many a second, summed over everything but these labels. */
export function perSecond(series: string, labels = '', by = ''): string {
  return `sum${by === '' ? '' : ` by (${by})`} (rate(${series}{${[NS, labels].filter((part) => part !== '').join(',')}}[$__rate_interval]))`;
}

/** A quantile of a histogram, named without its suffix. */
export function quantile(q: number, series: string, labels = '', by = ''): string {
  return `histogram_quantile(${String(q)}, ${perSecond(`${series}_bucket`, labels, by === '' ? 'le' : `le, ${by}`)})`;
}

/** The usual three, with their legends. */
export function quantiles(series: string, labels = ''): Record<string, string> {
  return { p50: quantile(0.5, series, labels), p95: quantile(0.95, series, labels), p99: quantile(0.99, series, labels) };
}

export function sum(series: string, labels = '', by = ''): string {
  return `sum${by === '' ? '' : ` by (${by})`} (${series}{${[NS, labels].filter((part) => part !== '').join(',')}})`;
}

export function max(series: string, labels = '', by = ''): string {
  return `max${by === '' ? '' : ` by (${by})`} (${series}{${[NS, labels].filter((part) => part !== '').join(',')}})`;
}
