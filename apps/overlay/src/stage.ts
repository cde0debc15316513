import type { Alert } from '@droppio/client';
import type { Theme } from '@droppio/protocol';
import type { Drawing } from './alert-player.js';
import { Card } from './card.js';
import type { Style } from './look.js';

/** Where alerts stand, dressed as the theme says. Values go through the CSSOM, which a strict style policy allows. */
export class Stage {
  private theme: Theme | undefined;

  constructor(private readonly element: HTMLElement) {}

  wear(theme: Theme): void {
    this.theme = theme;
  }

  draw(alert: Alert, style: Style): Drawing {
    // Only now, so that a new theme never changes an alert that is on the screen.
    if (this.theme !== undefined) this.dress(this.theme);
    const card = new Card(alert, style, this.theme?.showMessage !== false);
    this.element.append(card.element);
    return card;
  }

  private dress(theme: Theme): void {
    const { dataset, style } = this.element;
    dataset['anchor'] = theme.anchor;
    dataset['motion'] = theme.motion;
    style.setProperty('--scale', String(theme.scale));
    style.setProperty('--margin', `${String(theme.marginPct)}vmin`);
    style.setProperty('--max-width', `${String(theme.maxWidthPct)}vw`);
    style.setProperty('--ink', theme.ink);
    style.setProperty('--card', theme.card);
    style.setProperty('--radius', `${String(theme.radius)}em`);
    style.setProperty('font-family', theme.font);
  }
}
