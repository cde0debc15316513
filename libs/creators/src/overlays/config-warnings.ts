import { parseTemplate, type AlertLook, type AssetKind, type OverlayConfig, type OverlayTier } from '@droppio/tips';
import { namedAssets } from './named-assets.js';

/** Something that is allowed and probably not meant. `pointer` is a JSON pointer into the document. */
export interface ConfigWarning {
  readonly pointer: string;
  readonly code:
    | 'low-contrast'
    | 'template-too-long'
    | 'tier-unreachable'
    | 'asset-unknown'
    | 'asset-of-another-kind'
    | 'message-never-shown'
    | 'small-text';
  readonly message: string;
}

/** WCAG 2.2, 1.4.3. */
const MIN_CONTRAST = 4.5;
/** A thinner outline does not carry a letter. */
const MIN_OUTLINE_PX = 2;
const READABLE_PX = 28;
/** Of the canvas that sizes are given for, and of a common letter in relation to the font's size. */
const CANVAS_WIDTH_PX = 1920;
const LETTER_WIDTH = 0.55;
const LINES = 3;
/** What a variable is likely to take. */
const TYPICAL = { name: 14, amount: 8, symbol: 5, usd: 8, message: 0, chain: 8, count: 2, address_short: 11, tx_short: 11 };

/** What a person would want to know before saving. None of it forbids to save. `assets`: those of the creator’s that the config names. */
export function warningsOf(config: OverlayConfig, assets: ReadonlyMap<string, AssetKind> = new Map()): readonly ConfigWarning[] {
  const tiers = config.tiers.flatMap((tier, at) =>
    lookWarnings(merged(config.defaults, tier), `/tiers/${String(at)}/override`, config, tier),
  );
  return [
    ...lookWarnings(config.defaults, '/defaults', config),
    ...tiers,
    ...assetWarnings(config, assets),
    ...unreachable(config.tiers),
    ...neverShown(config),
  ];
}

/** A tier's own look is judged where it changes something. */
function lookWarnings(look: AlertLook, at: string, config: OverlayConfig, tier?: OverlayTier): ConfigWarning[] {
  const { font, card, template } = tier?.override ?? look;
  return [
    ...(font === undefined && card === undefined ? [] : contrastWarnings(look, at)),
    ...(font === undefined ? [] : sizeWarnings(look, at, config)),
    ...(font === undefined && template === undefined ? [] : lengthWarnings(look, at, config)),
  ];
}

function contrastWarnings(look: AlertLook, at: string): ConfigWarning[] {
  if (isLegible(look)) return [];
  const message = `The text stands out less than ${String(MIN_CONTRAST)}:1 from the card; choose other colours or an outline.`;
  return [{ pointer: `${at}/font/color`, code: 'low-contrast', message }];
}

function sizeWarnings({ font }: AlertLook, at: string, { canvas }: OverlayConfig): ConfigWarning[] {
  if (font.sizePx * canvas.scale >= READABLE_PX) return [];
  const message = `Letters below ${String(READABLE_PX)} px at 1080 lines are hard to read in a video.`;
  return [{ pointer: `${at}/font/sizePx`, code: 'small-text', message }];
}

function lengthWarnings({ font, template }: AlertLook, at: string, { canvas }: OverlayConfig): ConfigWarning[] {
  const lettersInLine = (CANVAS_WIDTH_PX * canvas.maxWidthPct) / 100 / (font.sizePx * canvas.scale * LETTER_WIDTH);
  const length = lengthOf(template);
  if (length <= lettersInLine * LINES) return [];
  const message = `About ${String(length)} letters are more than a card of this width can hold in ${String(LINES)} lines.`;
  return [{ pointer: `${at}/template`, code: 'template-too-long', message }];
}

/** What pages do where there is none that fits. */
const WITHOUT: Readonly<Record<AssetKind, string>> = { image: 'alerts show no image.', sound: 'alerts sound as the built-in chime.' };

/** What is another creator's is as if it were not there. */
function assetWarnings(config: OverlayConfig, assets: ReadonlyMap<string, AssetKind>): ConfigWarning[] {
  return namedAssets(config).flatMap(({ id, kind, pointer }): ConfigWarning[] => {
    const found = assets.get(id);
    if (found === kind) return [];
    if (found === undefined) return [{ pointer, code: 'asset-unknown', message: `You have no such asset; ${WITHOUT[kind]}` }];
    return [{ pointer, code: 'asset-of-another-kind', message: `This asset is of the kind ${found}; ${WITHOUT[kind]}` }];
  });
}

function merged(look: AlertLook, { override: { font, card, show, template } }: OverlayTier): AlertLook {
  return {
    ...look,
    template: template ?? look.template,
    font: changed(look.font, font),
    card: changed(look.card, card),
    show: changed(look.show, show),
  };
}

/** A document is JSON, which knows no `undefined`. */
function changed<T extends object>(whole: T, change: { readonly [Field in keyof T]?: T[Field] | undefined } | undefined): T {
  return { ...whole, ...change };
}

function unreachable(tiers: readonly OverlayTier[]): ConfigWarning[] {
  const inOrder = [...tiers.entries()].sort(([, a], [, b]) => b.priority - a.priority);
  const first = inOrder.findIndex(([, tier]) => tier.when.all.length === 0);
  if (first === -1) return [];
  return inOrder.slice(first + 1).map(([at]) => ({
    pointer: `/tiers/${String(at)}`,
    code: 'tier-unreachable',
    message: 'A tier before this one has no conditions, so none comes this far.',
  }));
}

function neverShown({ defaults, moderation }: OverlayConfig): ConfigWarning[] {
  const isHidden = !moderation.showMessages || moderation.maxMessageChars === 0;
  if (!defaults.show.message || !isHidden) return [];
  return [
    {
      pointer: '/defaults/show/message',
      code: 'message-never-shown',
      message: 'The look shows messages, but the moderation of this overlay does not let any through.',
    },
  ];
}

function lengthOf(template: string): number {
  const parsed = parseTemplate(template);
  if ('fault' in parsed) return template.length;
  return parsed.parts.reduce((length, part) => length + ('text' in part ? part.text.length : TYPICAL[part.variable]), 0);
}

/** Text against the card, or against its own outline. A card that lets the video through is judged on black and on white. */
function isLegible({ font, card }: AlertLook): boolean {
  const ink = channels(font.color);
  const behind = [0, 255].map((video) => over(channels(card.background), video));
  if (behind.every((colour) => contrast(ink, colour) >= MIN_CONTRAST)) return true;
  const { outline } = font;
  return outline !== null && outline.widthPx >= MIN_OUTLINE_PX && contrast(ink, channels(outline.color)) >= MIN_CONTRAST;
}

type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/** Of a colour that the schema has checked. */
function channels(colour: string): Rgba {
  const digits = colour.slice(1);
  const whole = digits.length <= 4 ? digits.replaceAll(/./g, '$&$&') : digits;
  const [red = 0, green = 0, blue = 0, alpha = 255] = (whole.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
  return [red, green, blue, alpha / 255];
}

function over([red, green, blue, alpha]: Rgba, video: number): Rgba {
  const mix = (value: number): number => value * alpha + video * (1 - alpha);
  return [mix(red), mix(green), mix(blue), 1];
}

function contrast(one: Rgba, other: Rgba): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance([red, green, blue]: Rgba): number {
  const [r = 0, g = 0, b = 0] = [red, green, blue].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
