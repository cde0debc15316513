import { parser } from '@prometheus-io/lezer-promql';

/** The series that an expression asks for. Throws where it is no PromQL. */
export function seriesIn(expression: string): string[] {
  const names = new Set<string>();
  parser.parse(expression).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`no PromQL at ${String(node.from)}: ${expression}`);
      if (node.name === 'VectorSelector') {
        const name = node.node.getChild('Identifier');
        if (name === null) throw new Error(`a selector without a name: ${expression}`);
        names.add(expression.slice(name.from, name.to));
      }
    },
  });
  if (names.size === 0) throw new Error(`it asks for nothing: ${expression}`);
  return [...names];
}

/** What Grafana puts in place of its variables, so that what is left is PromQL. */
export function withoutVariables(expression: string): string {
  return expression.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h').replaceAll('$__interval', '1m');
}
