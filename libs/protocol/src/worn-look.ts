import { ANIMATIONS, BUILT_IN_IMAGES, BUILT_IN_SOUNDS, parseTemplate, TEXT_EFFECTS, type AlertLook, type LookChange } from '@droppio/tips';
import * as z from 'zod/mini';

export const share = (least: number, most: number) => z.number().check(z.gte(least), z.lte(most));
export const whole = (least: number, most: number) => share(least, most).check(z.int());

/** Of an object the fields that fit, each by itself; of anything else none. */
export function fitting<Shape extends z.core.$ZodShape>(shape: Shape) {
  const fits = z.partial(z.object(shape));
  return z.pipe(
    z.catch(z.record(z.string(), z.unknown()), {}),
    z.transform((given: Record<string, unknown>) => {
      const fields = Object.entries(shape).filter(
        ([name, schema]) => Object.hasOwn(given, name) && z.safeParse(schema, given[name]).success,
      );
      return fits.parse(Object.fromEntries(fields.map(([name]) => [name, given[name]])));
    }),
  );
}

/** Of a list the first `most` that fit; of anything else none. */
export function fittingOf<One extends z.ZodMiniType>(one: One, most: number) {
  return z.pipe(
    z.catch(z.array(z.unknown()), []),
    z.transform((given: unknown[]) =>
      given
        .flatMap((value) => {
          const read = one.safeParse(value);
          return read.success ? [read.data] : [];
        })
        .slice(0, most),
    ),
  );
}

/** What is said goes before what was there. */
export function over<T extends object>(there: T, said: { readonly [Field in keyof T]?: T[Field] | undefined } | undefined): T {
  return { ...there, ...Object.fromEntries(Object.entries(said ?? {}).filter(([, value]) => value !== undefined)) };
}

const colour = z.string().check(z.regex(/^#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/i));
/** One with variables of a newer server would stand on the screen with its braces. */
const template = z.string().check(
  z.maxLength(2000),
  z.refine((text) => 'parts' in parseTemplate(text), 'not a template'),
);
const border = (most: number) => z.nullable(z.object({ color: colour, widthPx: share(0, most) }));
const asset = z.string().check(z.regex(/^ast_[A-Za-z0-9]{16,40}$/));

/** A look, or a change of one, part by part. */
export const WornLook = fitting({
  template,
  messageTemplate: template,
  durationMs: whole(2000, 30_000),
  gapMs: whole(0, 10_000),
  enter: z.enum(ANIMATIONS),
  exit: z.enum(ANIMATIONS),
  textEffect: z.enum(TEXT_EFFECTS),
  font: fitting({
    family: z.string().check(z.regex(/^[A-Za-z][A-Za-z0-9 -]{0,39}$/)),
    sizePx: whole(12, 160),
    weight: whole(100, 900).check(z.multipleOf(100)),
    color: colour,
    accent: colour,
    outline: border(12),
  }),
  card: fitting({ background: colour, radiusPx: share(0, 80), border: border(20) }),
  show: fitting({ message: z.boolean(), usd: z.boolean(), chain: z.boolean() }),
  image: z.nullable(z.object({ asset: z.union([z.enum(BUILT_IN_IMAGES), asset]), maxHeightPct: share(5, 80) })),
  sound: z.nullable(z.object({ asset: z.union([z.enum(BUILT_IN_SOUNDS), asset]), volume: share(0, 1) })),
});

/** The look with the change on it; what the change does not say stays. */
export function changedLook(look: AlertLook, change: LookChange): AlertLook {
  const { font, card, show, ...rest } = change;
  return { ...over(look, rest), font: over(look.font, font), card: over(look.card, card), show: over(look.show, show) };
}
