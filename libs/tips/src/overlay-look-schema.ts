import * as z from 'zod';
import { cleanName } from './clean-message.js';
import {
  ANIMATIONS,
  BUILT_IN_IMAGES,
  BUILT_IN_SOUNDS,
  DEFAULT_OVERLAY_CONFIG,
  TEXT_EFFECTS,
  type AlertLook,
  type LookChange,
} from './overlay-config.js';
import { parseTemplate, TEMPLATE_VARIABLES } from './template.js';

const { defaults: D } = DEFAULT_OVERLAY_CONFIG;
const TEMPLATE_MAX = 120;
const VARIABLES = TEMPLATE_VARIABLES.map((name) => `{${name}}`).join(', ');

/** A number between two others. Minus zero would come back from storage as zero. */
export const share = (least: number, most: number) =>
  z
    .number()
    .min(least)
    .max(most)
    .overwrite((value) => value + 0);
export const whole = (least: number, most: number) =>
  z
    .int()
    .min(least)
    .max(most)
    .overwrite((value) => value + 0);
/** One line that can be shown as it is; invisible and unsafe characters are dropped before anything else is looked at. */
export const line = (most: number) =>
  z
    .string()
    .max(most * 4)
    .overwrite((text) => cleanName(text, most));

const colour = z
  .string()
  .regex(/^#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$/, 'must be a colour such as #0b1220 or #0b1220ed')
  .overwrite((text) => text.toLowerCase());

const template = line(TEMPLATE_MAX)
  .superRefine((text, context) => {
    const parsed = parseTemplate(text);
    if (!('fault' in parsed)) return;
    const { at, message } = parsed.fault;
    context.addIssue({ code: 'custom', message: `${message} (at character ${String(at + 1)})` });
  })
  .meta({ description: `At most ${String(TEMPLATE_MAX)} characters, filled in once. Variables: ${VARIABLES}; {{ and }} are braces.` });

const border = (most: number) => z.strictObject({ color: colour, widthPx: share(0, most) }).nullable();
const assetId = z.string().regex(/^ast_[A-Za-z0-9]{16,40}$/, 'must be the id of an asset, or a built-in name');

const font = {
  family: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]*(?:[ -][A-Za-z0-9]+){0,5}$/, 'must be the name of one font family')
    .max(40),
  sizePx: whole(12, 160),
  weight: whole(100, 900).multipleOf(100),
  color: colour,
  accent: colour,
  outline: border(12),
};
const card = { background: colour, radiusPx: share(0, 80), border: border(20) };
const show = { message: z.boolean(), usd: z.boolean(), chain: z.boolean() };

const look = {
  template,
  messageTemplate: template,
  durationMs: whole(2000, 30_000).meta({ description: 'How long an alert is on the screen, milliseconds, animations included.' }),
  gapMs: whole(0, 10_000),
  enter: z.enum(ANIMATIONS),
  exit: z.enum(ANIMATIONS),
  textEffect: z.enum(TEXT_EFFECTS),
  image: z.strictObject({ asset: z.union([z.enum(BUILT_IN_IMAGES), assetId]), maxHeightPct: share(5, 80) }).nullable(),
  sound: z.strictObject({ asset: z.union([z.enum(BUILT_IN_SOUNDS), assetId]), volume: share(0, 1) }).nullable(),
};

/** What a tier overrides: any part of a look. */
export const LookChangeDocument = z
  .strictObject({
    ...look,
    font: z.strictObject(font).partial(),
    card: z.strictObject(card).partial(),
    show: z.strictObject(show).partial(),
  })
  .partial() satisfies z.ZodType<LookChange>;

const FontDocument = z.strictObject({
  family: font.family.default(D.font.family),
  sizePx: font.sizePx.default(D.font.sizePx).meta({ description: 'At 1080 lines.' }),
  weight: font.weight.default(D.font.weight),
  color: font.color.default(D.font.color),
  accent: font.accent.default(D.font.accent),
  outline: font.outline.default(D.font.outline),
});
const CardDocument = z.strictObject({
  background: card.background.default(D.card.background),
  radiusPx: card.radiusPx.default(D.card.radiusPx),
  border: card.border.default(D.card.border),
});
const ShowDocument = z.strictObject({
  message: show.message.default(D.show.message),
  usd: show.usd.default(D.show.usd),
  chain: show.chain.default(D.show.chain),
});

/** The look of every alert that no tier changes; what is not given is as always. */
export const LookDocument = z.strictObject({
  template: look.template.default(D.template),
  messageTemplate: look.messageTemplate.default(D.messageTemplate),
  durationMs: look.durationMs.default(D.durationMs),
  gapMs: look.gapMs.default(D.gapMs),
  enter: look.enter.default(D.enter),
  exit: look.exit.default(D.exit),
  textEffect: look.textEffect.default(D.textEffect),
  font: FontDocument.prefault({}),
  card: CardDocument.prefault({}),
  show: ShowDocument.prefault({}),
  image: look.image.default({ asset: 'coin', maxHeightPct: D.image?.maxHeightPct ?? 25 }),
  sound: look.sound.default({ asset: 'chime', volume: D.sound?.volume ?? 0.5 }),
}) satisfies z.ZodType<AlertLook>;
