/** A curve. Points without a number are gaps. */
export interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [number, number])[];
  readonly isFilled?: boolean;
}

export interface ChartPlan {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  readonly marks?: readonly { readonly at: number; readonly text: string }[];
  /** A line across, which nothing should pass. */
  readonly bound?: number | undefined;
  readonly xUnit?: string;
  readonly isLog?: boolean;
}

const [WIDTH, HEIGHT] = [560, 190];
const [LEFT, RIGHT, TOP, BOTTOM] = [48, 10, 12, 24];

export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign);

/** A chart as inline SVG: no script, no file from elsewhere. Nothing to show gives an empty string. */
export function chart(plan: ChartPlan): string {
  const known = plan.series.flatMap(({ points }) => points.filter(([, y]) => Number.isFinite(y)));
  if (known.length < 2) return '';
  const xs = known.map(([x]) => x);
  const [from, to] = [Math.min(...xs), Math.max(...xs)];
  const highest = Math.max(...known.map(([, y]) => y), plan.bound ?? 0);
  const ticks = plan.isLog === true ? decades(from, to) : steps(to, 6).filter((tick) => tick >= from);
  const levels = steps(highest, 4);
  const top = Math.max(highest * 1.04, levels.at(-1) ?? 0) || 1;
  const scale = plan.isLog === true ? Math.log10 : (x: number): number => x;
  const px = (x: number): number => LEFT + ((scale(x) - scale(from)) / (scale(to) - scale(from) || 1)) * (WIDTH - LEFT - RIGHT);
  const py = (y: number): number => HEIGHT - BOTTOM - (y / top) * (HEIGHT - TOP - BOTTOM);
  const parts = [
    ...levels.map((level) => gridLine(py(level), level)),
    ...ticks.map(
      (tick) =>
        `<text class="tick" x="${at(px(tick))}" y="${String(HEIGHT - 7)}" text-anchor="middle">${short(tick)}${plan.xUnit ?? ' s'}</text>`,
    ),
    ...(plan.marks ?? []).filter((mark) => mark.at >= from && mark.at <= to).map((mark) => markLine(px(mark.at), mark.text)),
    ...(plan.bound === undefined
      ? []
      : [`<line class="bound" x1="${String(LEFT)}" x2="${String(WIDTH - RIGHT)}" y1="${at(py(plan.bound))}" y2="${at(py(plan.bound))}"/>`]),
    ...plan.series.map((series) => curve(series, px, py)),
  ];
  const legend = plan.series.map(({ name, color }) => `<span><i style="background:${color}"></i>${escaped(name)}</span>`).join('');
  return `<figure><figcaption><b>${escaped(plan.title)}</b><em>${escaped(plan.unit)}</em><span class="legend">${legend}</span></figcaption>
<svg viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" role="img" aria-label="${escaped(plan.title)}">${parts.join('')}</svg></figure>`;
}

const at = (value: number): string => value.toFixed(1);

function gridLine(y: number, level: number): string {
  return `<line class="grid" x1="${String(LEFT)}" x2="${String(WIDTH - RIGHT)}" y1="${at(y)}" y2="${at(y)}"/><text class="tick" x="${String(LEFT - 7)}" y="${at(y + 3.5)}" text-anchor="end">${short(level)}</text>`;
}

function markLine(x: number, text: string): string {
  return `<g class="mark"><line x1="${at(x)}" x2="${at(x)}" y1="${String(TOP - 6)}" y2="${String(HEIGHT - BOTTOM)}"/><circle cx="${at(x)}" cy="${String(TOP - 4)}" r="3"/><title>${escaped(text)}</title></g>`;
}

function curve({ points, color, isFilled }: Series, px: (x: number) => number, py: (y: number) => number): string {
  const runs: string[][] = [[]];
  for (const [x, y] of points) {
    if (Number.isFinite(y)) runs.at(-1)?.push(`${at(px(x))},${at(py(y))}`);
    else runs.push([]);
  }
  return runs
    .filter((run) => run.length > 0)
    .map((run) => {
      const [first = '', last = ''] = [run[0]?.split(',')[0], run.at(-1)?.split(',')[0]];
      const area =
        isFilled === true
          ? `<polygon class="area" fill="${color}" points="${first},${at(py(0))} ${run.join(' ')} ${last},${at(py(0))}"/>`
          : '';
      const dot = run.length === 1 ? `<circle fill="${color}" r="2" cx="${first}" cy="${run[0]?.split(',')[1] ?? ''}"/>` : '';
      return `${area}${dot}<polyline class="curve" stroke="${color}" points="${run.join(' ')}"/>`;
    })
    .join('');
}

/** Round numbers from 0 on that reach up to about `most`. */
function steps(most: number, count: number): number[] {
  if (most <= 0) return [0];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, n) => n * step);
}

function decades(from: number, to: number): number[] {
  const all: number[] = [];
  for (let decade = 10 ** Math.ceil(Math.log10(from)); decade <= to; decade *= 10) all.push(decade);
  return all.length > 0 ? all : [from, to];
}

function short(value: number): string {
  if (value >= 1e6) return `${String(value / 1e6)}M`;
  if (value >= 10_000) return `${String(value / 1000)}k`;
  return String(Number(value.toPrecision(4)));
}
