import type { Alert } from '@droppio/client';
import { changedLook } from '@droppio/protocol';
import { DEFAULT_OVERLAY_CONFIG, type AlertLook, type OverlayConfig } from '@droppio/tips';
import type { Drawing } from './alert-player.js';
import type { Assets } from './assets.js';
import { Card } from './card.js';
import { warmFonts } from './dress.js';
import { fit } from './fit.js';
import { stillOf } from './still-picture.js';

/** Where alerts stand, dressed as the overlay's config says. */
export class Stage {
  private config: OverlayConfig = DEFAULT_OVERLAY_CONFIG;

  constructor(
    private readonly element: HTMLElement,
    readonly assets: Assets,
  ) {
    addEventListener('resize', () => {
      this.refit();
    });
    // Letters that come late are wider or narrower than those that stood in for them.
    document.fonts.addEventListener('loadingdone', () => {
      this.refit();
    });
  }

  /** Images and letters are fetched now; what is on the screen stays as it is. */
  wear(config: OverlayConfig): void {
    this.config = config;
    this.assets.want({ ...config });
    const { defaults, tiers } = config;
    void warmFonts(document.fonts, [defaults.font, ...tiers.map(({ override }) => changedLook(defaults, override).font)]);
  }

  /** `resumed`: it was on the screen before, so nothing comes in. */
  draw(alert: Alert, look: AlertLook, resumed = false): Drawing {
    const { config, element } = this;
    this.arrange(config);
    const asset = look.image?.asset;
    const card = new Card(alert, {
      look,
      config,
      picture: asset === undefined ? undefined : framed(this.assets.image(asset), config.motion === 'full'),
      changed: (changed) => {
        fit(changed, element);
      },
    });
    if (resumed) card.element.dataset['resumed'] = '';
    element.append(card.element);
    fit(card.element, element);
    return card;
  }

  private refit(): void {
    for (const alert of this.element.querySelectorAll<HTMLElement>('.alert')) fit(alert, this.element);
  }

  private arrange({ canvas, motion }: OverlayConfig): void {
    const { dataset, style } = this.element;
    dataset['anchor'] = canvas.anchor;
    dataset['motion'] = motion;
    style.setProperty('--scale', String(canvas.scale));
    style.setProperty('--margin', `${String(canvas.marginPct)}vmin`);
    style.setProperty('--max-width', `${String(canvas.maxWidthPct)}vw`);
  }
}

/** Beside the words it says nothing that they do not. */
function framed(image: HTMLImageElement | undefined, mayMove: boolean): HTMLElement | undefined {
  if (image === undefined) return undefined;
  image.alt = '';
  const picture = mayMove ? image : stillOf(image);
  picture.className = 'picture';
  return picture;
}
