import { DashboardBuilder, DatasourceVariableBuilder, QueryVariableBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

const SOURCE = { type: 'prometheus', uid: '${source}' };
const WIDTH = 24;

export type Unit = 'short' | 'percentunit' | 's' | 'bytes' | 'reqps' | 'Bps' | 'none';

export interface Graph {
  readonly title: string;
  /** What a person sees in it, and from when on it is bad. */
  readonly says: string;
  readonly unit: Unit;
  /** Legend → query. */
  readonly shows: Readonly<Record<string, string>>;
  /** A figure instead of a curve. */
  readonly asFigure?: true;
  /** Of 24. Default: 8. */
  readonly width?: number;
}

export interface Row {
  readonly title: string;
  readonly graphs: readonly Graph[];
}

/** A variable that is filled with the values that a label has. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  readonly of: string;
  readonly value: string;
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly says: string;
  readonly choices?: readonly Choice[];
  readonly rows: readonly Row[];
}

/** Which installation, where one Prometheus watches several. Without a namespace, as in compose, the value is empty and fits. */
const NAMESPACE: Choice = { name: 'namespace', label: 'Namespace', of: 'droppio_build_info', value: 'namespace' };

/** The JSON of a dashboard: rows of panels from left to right, each as high as the others. */
export function drawBoard({ uid, title, says, choices = [], rows }: Board): string {
  // The schema of its successor is for Grafana 12 and newer; this one every Grafana in use loads from a file.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const board = new DashboardBuilder(title)
    .uid(uid)
    .description(says)
    .tags(['droppio', 'generated'])
    .timezone('browser')
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .withVariable(new DatasourceVariableBuilder('source').label('Prometheus').type('prometheus'));
  for (const choice of [NAMESPACE, ...choices]) board.withVariable(variable(choice));
  let [id, y] = [0, 0];
  for (const row of rows) {
    board.withRow(new RowBuilder(row.title).id((id += 1)).gridPos({ x: 0, y, w: WIDTH, h: 1 }));
    y += 1;
    let [x, bottom] = [0, y];
    for (const graph of row.graphs) {
      const { width = 8 } = graph;
      const h = graph.asFigure === true ? 4 : 8;
      if (x + width > WIDTH) [x, y] = [0, y + h];
      board.withPanel(
        panel(graph)
          .id((id += 1))
          .gridPos({ x, y, w: width, h }),
      );
      [x, bottom] = [x + width, y + h];
    }
    y = bottom;
  }
  return `${JSON.stringify(board.build(), null, 2)}\n`;
}

function variable({ name, label, of, value }: Choice): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query({ query: `label_values(${of}, ${value})`, refId: name })
    .includeAll(true)
    .allValue('.*')
    .multi(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

function panel({ title, says, unit, shows, asFigure }: Graph): TimeseriesBuilder | StatBuilder {
  const builder = asFigure === true ? new StatBuilder() : new TimeseriesBuilder().fillOpacity(8).lineWidth(1);
  builder.title(title).description(says).datasource(SOURCE).unit(unit).min(0);
  Object.entries(shows).forEach(([legend, expr], i) => {
    builder.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCodePoint(65 + i))
        .datasource(SOURCE)
        .expr(expr)
        .legendFormat(legend),
    );
  });
  return builder;
}
