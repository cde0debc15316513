/** How many overlays want to be connected, second by second, and what else happens to the fleet. */
export interface GrowthCurve {
  readonly name: string;
  readonly seconds: number;
  /** From decision to ready. */
  readonly startSeconds: number;
  readonly overlays: (second: number) => number;
  /** A pod is killed at this second. */
  readonly podDiesAt?: number;
  /** Prometheus answers nothing from…to. */
  readonly silence?: readonly [number, number];
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Time to settle before and after. */
const CALM = 5 * MINUTE;
/** An image that is there already. */
const QUICK_START = 30;
/** With a node that has to come first. */
const SLOW_START = 90;

/** So many per cent more every minute, from a calm `low` to a calm `high`. */
function growing(name: string, percent: number, [low, high]: readonly [number, number], startSeconds = QUICK_START): GrowthCurve {
  const rising = (Math.log(high / low) / Math.log(1 + percent / 100)) * MINUTE;
  return {
    name,
    seconds: Math.ceil(CALM + rising + CALM),
    startSeconds,
    overlays: (second) => Math.min(high, low * (1 + percent / 100) ** (Math.max(0, second - CALM) / MINUTE)),
  };
}

function steady(name: string, overlays: number, extra: Partial<GrowthCurve>): GrowthCurve {
  return { name, seconds: 30 * MINUTE, startSeconds: QUICK_START, overlays: () => overlays, ...extra };
}

/**
 * Evenings of a fleet of at least `min` pods that each hold `limit` and are meant to hold `target`. An evening begins with a fleet that has next to
 * nothing to do, and the growth is there when it matters; out of the blue it strikes the smallest fleet that stands at its target and has no room to
 * spare.
 */
export function growthCurves(limit: number, target: number, min: number): readonly GrowthCurve[] {
  const evening = [0.6 * limit, 27 * target] as const;
  const blue = [min * target, 27 * target] as const;
  return [
    growing('20 %/min, an evening', 20, evening),
    growing('50 %/min, an evening', 50, evening),
    growing('20 %/min, out of the blue', 20, blue),
    growing('50 %/min, out of the blue', 50, blue),
    growing('10 %/min, an evening; pods need 90 s', 10, evening, SLOW_START),
    growing('20 %/min, an evening; pods need 90 s', 20, evening, SLOW_START),
    growing('flash crowd: twice in a minute', 100, [10 * target, 20 * target]),
    growing('flash crowd: three times in ten seconds', (3 ** 6 - 1) * 100, [8 * target, 24 * target]),
    growing('flash crowd: ten times in a minute', 900, [3 * target, 30 * target]),
    steady('one pod of ten dies', 10 * target, { podDiesAt: CALM }),
    steady('one pod of ten dies, and its overlays are away for twelve seconds', 10 * target, {
      podDiesAt: CALM,
      overlays: (second) => (second >= CALM && second < CALM + 12 ? 9 : 10) * target,
    }),
    steady('one pod of the smallest fleet dies', min * target, { podDiesAt: CALM }),
    steady('Prometheus is silent for ten minutes', min * target, { silence: [CALM, CALM + 10 * MINUTE] }),
    steady('waves of a quarter of an hour', 10 * target, {
      seconds: 3 * HOUR,
      overlays: (second) => 10 * target * (1 + 0.15 * Math.sin((second / (15 * MINUTE)) * 2 * Math.PI)),
    }),
    steady('the show is over: a quarter is left after ten minutes', 20 * target, {
      seconds: 2 * HOUR,
      overlays: (second) => 20 * target * 0.25 ** Math.min(1, Math.max(0, second - CALM) / (10 * MINUTE)),
    }),
    steady('slow night: down to a tenth in eight hours', 20 * target, {
      seconds: 9 * HOUR,
      // Less and less, in waves of four per cent of what is there, every eighteen minutes.
      overlays: (second) => {
        const left = 20 * target * 0.1 ** Math.min(1, second / (8 * HOUR));
        return left * (1 + 0.04 * Math.sin((second / (18 * MINUTE)) * 2 * Math.PI));
      },
    }),
  ];
}
