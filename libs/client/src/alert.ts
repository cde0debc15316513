import type { SummaryFrame, TestFrame, TipFrame, TipView } from '@droppio/protocol';

export type AmountView = SummaryFrame['d']['totals'][number];

/** One tip or test, to be shown by itself. */
export interface TipAlert {
  readonly kind: 'tip';
  readonly id: string;
  readonly seq: number;
  readonly view: TipView;
  /** Pressed by the creator, not paid: draw it with a mark. */
  readonly test: boolean;
  /** The creator plays a tip once more; its id. */
  readonly replayOf?: string | undefined;
  /** The block's clock, Unix milliseconds. */
  readonly blockMs?: number | undefined;
  /** Came, or had to wait, while nobody could see it, so its age says nothing about speed. */
  readonly replay: boolean;
}

/** Several tips in one card: too many, or too late, to show one by one. */
export interface DigestAlert {
  readonly kind: 'digest';
  readonly tips: number;
  /** One per symbol, in order of first appearance. */
  readonly totals: readonly AmountView[];
  /** Some of them came while the page was away; otherwise they came faster than they can be shown. */
  readonly missed: boolean;
  /** All of them are of this tier, which asks for one card. */
  readonly tier?: string | undefined;
}

export type Alert = TipAlert | DigestAlert;

/** One time on the screen. It may have parts: a reload, or a while out of sight, ends a part and not the showing. */
export interface Showing {
  readonly alert: Alert;
  /** It was on the screen before: no entrance and no sound. */
  readonly resumed: boolean;
  /** How much longer it is to be seen, if it was seen before. */
  readonly leftMs?: number | undefined;
  /** Half of its time has been seen already. */
  readonly halfSeen: boolean;
}

export function alertOf(frame: Pick<TipFrame, 'id' | 'seq' | 'at' | 'replay' | 'd'>): TipAlert {
  const { id, seq, at, d } = frame;
  return { kind: 'tip', id, seq, view: d, test: false, blockMs: at.block, replay: frame.replay === true };
}

/** What the creator has pressed a button for: a test, or a tip once more. */
export function pressedAlertOf(frame: TestFrame): TipAlert {
  const { replayOf, ...view } = frame.d;
  return { ...alertOf(frame), view, test: replayOf === undefined, replayOf };
}

export const isPressed = (alert: TipAlert): boolean => alert.test || alert.replayOf !== undefined;

/** How an alert looks after its tip has changed. The rules that kept the message of a replay back are newer than the tip. */
export function patchedView({ replayOf, view }: TipAlert, change: TipAlert): TipView {
  return replayOf !== undefined && view.message === '' ? { ...change.view, message: '' } : change.view;
}
