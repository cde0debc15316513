import { part } from './parts.js';

/** How long one page of rows stands. */
const PAGE_MS = 7000;

/**
 * Rows, as many at once as there is room for; the others take turns by the wall clock, so that a source that was hidden neither lags nor hurries
 * when it comes back, and two sources of one overlay show the same.
 */
export class Rows {
  readonly element: HTMLElement;

  constructor(name: string) {
    this.element = part('ol', name);
  }

  fill(rows: readonly HTMLElement[]): void {
    this.element.replaceChildren(...rows);
  }

  /** Shows the page that it is time for. `room`: height that there is for rows, in pixels. */
  turn(nowMs: number, room: number): void {
    const rows = [...this.element.children].filter((row) => row instanceof HTMLElement);
    for (const row of rows) row.hidden = false;
    const tallest = Math.max(1, ...rows.map((row) => row.offsetHeight));
    const gap = parseFloat(getComputedStyle(this.element).rowGap) || 0;
    const fit = Math.max(1, Math.floor((room + gap) / (tallest + gap)));
    const pages = Math.max(1, Math.ceil(rows.length / fit));
    const page = Math.floor(nowMs / PAGE_MS) % pages;
    // The last page begins early enough to be full.
    const first = Math.max(0, Math.min(page * fit, rows.length - fit));
    for (const [place, row] of rows.entries()) row.hidden = place < first || place >= first + fit;
  }
}
