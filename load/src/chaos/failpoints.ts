import type { FailpointName } from './scenario.js';
import type { Tally } from './tally.js';

export const SLOTS = [0, 1] as const;
/** Place of a listener process: whoever runs there comes and goes. */
export type Slot = (typeof SLOTS)[number];

/** What passes by on a wire or at the proxy, in the words of a failpoint. */
export type Moment =
  | { readonly at: FailpointName; readonly slot: Slot; readonly chainId: number | undefined }
  | { readonly at: 'commit'; readonly slot: Slot; readonly chainId: number; readonly text: string };

/** `swallow`: it gets no further. `hold`: it arrives when the promise says so; `cut`: and its sender believes the connection lost. */
export type Ruling = 'pass' | 'swallow' | { readonly hold: Promise<void>; readonly cut: boolean };

interface Armed {
  readonly matches: (moment: Moment) => boolean;
  readonly fire: (moment: Moment) => Ruling;
}

/** Points at which a process can be made to die or to stop, found in its traffic: the product knows nothing of them. */
export class Failpoints {
  private armed: Armed[] = [];

  constructor(private readonly tally: Tally) {}

  /** Fires once; the returned function takes it back. */
  arm(matches: (moment: Moment) => boolean, fire: (moment: Moment) => Ruling): () => void {
    const point = { matches, fire };
    this.armed.push(point);
    return () => {
      this.armed = this.armed.filter((other) => other !== point);
    };
  }

  get isArmed(): boolean {
    return this.armed.length > 0;
  }

  rule(moment: Moment): Ruling {
    const point = this.armed.find(({ matches }) => matches(moment));
    if (point === undefined) return 'pass';
    this.armed = this.armed.filter((other) => other !== point);
    this.tally.add(`failpoint:${moment.at}`);
    return point.fire(moment);
  }
}
