import type { Alert } from '@droppio/client';
import { DEFAULT_OVERLAY_CONFIG, type AlertLook, type OverlayConfig } from '@droppio/tips';
import type { Drawing } from './alert-player.js';
import { Card } from './card.js';

const FALLBACKS = "Inter, 'Segoe UI', system-ui, sans-serif";
/** Letters of the headline are drawn at this size at scale 1, and an em of the card is as long, at 1080 lines. */
const HEADLINE_PX = 36;
const EM_PX = 24;

/** Where alerts stand, dressed as the overlay's config says. Values go through the CSSOM, which a strict style policy allows. */
export class Stage {
  private config: OverlayConfig = DEFAULT_OVERLAY_CONFIG;

  constructor(private readonly element: HTMLElement) {}

  wear(config: OverlayConfig): void {
    this.config = config;
  }

  draw(alert: Alert, look: AlertLook, resumed: boolean): Drawing {
    // Only now, so that a new config never changes an alert that is on the screen.
    this.dress(this.config, look);
    const card = new Card(alert, look, look.show.message && this.config.moderation.showMessages);
    if (resumed) card.element.dataset['resumed'] = '';
    this.element.append(card.element);
    return card;
  }

  private dress({ canvas, motion }: OverlayConfig, { font, card }: AlertLook): void {
    const { dataset, style } = this.element;
    dataset['anchor'] = canvas.anchor;
    dataset['motion'] = motion;
    style.setProperty('--scale', String((canvas.scale * font.sizePx) / HEADLINE_PX));
    style.setProperty('--margin', `${String(canvas.marginPct)}vmin`);
    style.setProperty('--max-width', `${String(canvas.maxWidthPct)}vw`);
    style.setProperty('--ink', font.color);
    style.setProperty('--card', card.background);
    style.setProperty('--radius', `${String(card.radiusPx / EM_PX)}em`);
    style.setProperty('font-family', `'${font.family}', ${FALLBACKS}`);
  }
}
