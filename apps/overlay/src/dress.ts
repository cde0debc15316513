import type { AlertLook, FontStyle } from '@droppio/tips';

/** Behind the family that the creator chose; the first one comes with the page. */
const FALLBACKS = "Inter, 'Segoe UI', system-ui, -apple-system, Roboto, 'Noto Sans', 'Noto Sans CJK JP', 'Noto Color Emoji', sans-serif";
/** Of what is only said around the name and the amount. */
const TEXT_WEIGHT_MAX = 500;
/** Shadows that together make an outline; a stroke would eat into the letters in older browsers. */
const AROUND = 16;

/** An alert's own letters and card. Lengths are those of a source with 1080 lines; values go through the CSSOM, which a strict policy allows. */
export function dress(element: HTMLElement, { font, card, image }: AlertLook): void {
  const { style } = element;
  const values: Readonly<Record<string, string>> = {
    '--size': String(font.sizePx),
    '--weight': String(font.weight),
    '--text-weight': String(Math.min(font.weight, TEXT_WEIGHT_MAX)),
    '--ink': font.color,
    '--accent': font.accent,
    '--card': card.background,
    '--radius': String(card.radiusPx),
    '--border': String(card.border?.widthPx ?? 0),
    '--border-color': card.border?.color ?? 'transparent',
    '--outline': outlineOf(font, 'var(--px)'),
    '--image-height': `${String(image?.maxHeightPct ?? 0)}vh`,
  };
  for (const [name, value] of Object.entries(values)) style.setProperty(name, value);
  style.setProperty('font-family', `'${font.family}', ${FALLBACKS}`);
}

/** `px`: how long a pixel of a source with 1080 lines is. */
export function outlineOf({ outline }: Pick<FontStyle, 'outline'>, px: string): string {
  if (outline === null || outline.widthPx === 0) return 'none';
  const { color, widthPx } = outline;
  return Array.from({ length: AROUND }, (_, step) => {
    const angle = (step / AROUND) * 2 * Math.PI;
    const [x, y] = [Math.cos(angle), Math.sin(angle)].map((part) => `calc(${px} * ${(part * widthPx).toFixed(3)})`);
    return `${String(x)} ${String(y)} 0 ${color}`;
  }).join(', ');
}

/** The families that come with the page. */
const BUNDLED = ['Inter', 'Nunito', 'Bangers', 'Press Start 2P'];

/** Fetches the letters of these looks before the first alert needs them. Never rejects. */
export async function warmFonts(fonts: FontFaceSet, looks: readonly Pick<FontStyle, 'family' | 'weight'>[]): Promise<void> {
  const wanted = looks.filter(({ family }) => BUNDLED.includes(family)).map(({ family, weight }) => `${String(weight)} 36px '${family}'`);
  await Promise.allSettled([...new Set(wanted)].map((font) => fonts.load(font)));
}
