import type { Clock } from '@droppio/tips';
import { part } from './parts.js';

export const CELEBRATION_MS = 6000;
const PIECES = 48;
const COLOURS = 5;
/** Steps of these spread evenly and independently of each other: no chance, so that every picture of it is the same. */
const STEPS = { left: 0.618_033_988_75, wait: 0.414_213_562_37, drift: 0.732_050_807_57 } as const;

/**
 * Paper that falls once. Each piece moves once from above to below and fades; nothing blinks. It ends by the wall clock, also where OBS stops
 * animations of hidden sources.
 */
export async function celebrate(place: HTMLElement, clock: Clock): Promise<void> {
  const paper = part('div', 'paper');
  for (let piece = 0; piece < PIECES; piece += 1) {
    const scrap = part('i', 'scrap');
    const at = (step: keyof typeof STEPS): number => (piece * STEPS[step]) % 1;
    scrap.dataset['colour'] = String(piece % COLOURS);
    scrap.style.setProperty('--left', `${String(Math.round(at('left') * 100))}%`);
    scrap.style.setProperty('--wait', `${String(Math.round(at('wait') * 1800))}ms`);
    scrap.style.setProperty('--drift', `${String(Math.round(at('drift') * 8 - 4))}em`);
    scrap.style.setProperty('--turn', `${String(180 + Math.round(at('drift') * 540))}deg`);
    paper.append(scrap);
  }
  place.append(paper);
  await clock.sleep(CELEBRATION_MS);
  paper.remove();
}
