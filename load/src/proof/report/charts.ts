const WIDTH = 1080;
const LEFT = 46;
const HEIGHT = 120;
const ROW = 15;
const DOTS_MAX = 4000;

export interface Span {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}
type Range = Omit<Span, 'label'>;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const scale = ({ from, to }: Range) => {
  const width = Math.max(1e-9, to - from);
  return (x: number): string => (LEFT + ((x - from) / width) * (WIDTH - LEFT - 8)).toFixed(1);
};

/** One row for each fault, as long as it was on. */
export function timeline(spans: readonly Span[], range: Range): string {
  const x = scale(range);
  const rows = spans.map(({ from, to, label }, row) => {
    const y = row * ROW;
    const width = Math.max(2, Number(x(to)) - Number(x(from)));
    const isLate = Number(x(from)) > WIDTH * 0.7;
    const place = isLate ? `x="${String(Number(x(from)) - 4)}" text-anchor="end"` : `x="${String(Number(x(from)) + width + 4)}"`;
    return `<rect x="${x(from)}" y="${String(y + 2)}" width="${width.toFixed(1)}" height="${String(ROW - 4)}" fill="#d55"/><text ${place} y="${String(y + ROW - 4)}">${escaped(label)}</text>`;
  });
  return svg(rows.join(''), Math.max(1, spans.length) * ROW + 16, range, x);
}

/** How many in each second. */
export function bars(counts: ReadonlyMap<number, number>, range: Range, faults: readonly Span[]): string {
  const x = scale(range);
  const most = Math.max(1, ...counts.values());
  const width = Math.max(0.6, ((WIDTH - LEFT) / Math.max(1, range.to - range.from)) * 0.9).toFixed(2);
  const drawn = [...counts].map(([second, count]) => {
    const height = (count / most) * (HEIGHT - 10);
    return `<rect x="${x(second)}" y="${(HEIGHT - height).toFixed(1)}" width="${width}" height="${height.toFixed(1)}" fill="#36c"/>`;
  });
  return svg(`${shades(faults, x)}${drawn.join('')}<text x="2" y="12">${String(most)}</text>`, HEIGHT + 16, range, x);
}

/** A dot for each, thinned out where they are too many; the highest are always there. */
export function dots(points: readonly { readonly x: number; readonly y: number }[], range: Range, faults: readonly Span[]): string {
  const x = scale(range);
  const top = 100_000;
  const y = (value: number): string => (HEIGHT - (Math.log10(Math.max(1, value)) / Math.log10(top)) * HEIGHT).toFixed(1);
  const step = Math.max(1, Math.ceil(points.length / DOTS_MAX));
  const kept = [...points].sort((a, b) => b.y - a.y).filter((_, place) => place < DOTS_MAX / 4 || place % step === 0);
  const lines = [10, 100, 1000, 10_000].map(
    (value) =>
      `<line x1="${String(LEFT)}" x2="${String(WIDTH)}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/><text x="2" y="${y(value)}">${String(value)}</text>`,
  );
  const drawn = kept.map((point) => `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="1.3" fill="#363" fill-opacity=".5"/>`);
  return svg(`${shades(faults, x)}${lines.join('')}${drawn.join('')}`, HEIGHT + 16, range, x);
}

function shades(faults: readonly Span[], x: (value: number) => string): string {
  return faults
    .map(
      ({ from, to }) =>
        `<rect x="${x(from)}" y="0" width="${Math.max(1, Number(x(to)) - Number(x(from))).toFixed(1)}" height="${String(HEIGHT)}" fill="#fdd"/>`,
    )
    .join('');
}

function svg(inside: string, height: number, { from, to }: Range, x: (value: number) => string): string {
  const step = Math.max(1, Math.ceil((to - from) / 12 / 5) * 5);
  const ticks = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, n) => from + n * step);
  const labels = ticks.map((tick) => `<text x="${x(tick)}" y="${String(height - 2)}">${tick.toFixed(0)} s</text>`);
  return `<svg viewBox="0 0 ${String(WIDTH)} ${String(height)}" font-family="system-ui" font-size="10" fill="#333">${inside}${labels.join('')}</svg>`;
}
