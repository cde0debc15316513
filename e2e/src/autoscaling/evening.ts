import type { Scaler } from '../manifests/scaling.js';
import type { Surroundings } from './surroundings.js';
import { FleetModel } from './fleet-model.js';
import type { GrowthCurve } from './growth-curves.js';
import { HorizontalAutoscaler } from './horizontal-autoscaler.js';
import { PodReader, SumReader } from './readers.js';

/** What one evening was like. Shares are of the fleet's and of one pod's limit. */
export interface Evening {
  readonly peakShare: number;
  readonly peakPod: number;
  /** Seconds in which the fleet was above 80 %. */
  readonly tight: number;
  /** Overlay-seconds without a place. */
  readonly refused: number;
  /** Seconds in which somebody had none. */
  readonly waiting: number;
  readonly mostPods: number;
  /** What the evening costs. */
  readonly podHours: number;
  readonly podsAtEnd: number;
  readonly ups: number;
  readonly downs: number;
  /** Changes of mind within the quarter of an hour that scaling down waits. */
  readonly flaps: number;
}

/** Each just before the one that it needs: every reading is as old as it gets. */
const SCRAPE_AT = 2;
const RULE_AT = 1;
const DECIDE_AT = 0;
const TIGHT = 0.8;
const MIND = 900;

/** Plays a curve against a fleet that the rendered autoscaler governs; second by second, the same every time. */
export function playEvening(scaler: Scaler, curve: GrowthCurve, { limit, forecast, cadence }: Surroundings): Evening {
  const first = curve.overlays(0);
  const count = Math.min(scaler.max, Math.max(scaler.min, Math.ceil(first / scaler.target)));
  const fleet = new FleetModel(limit, curve.startSeconds, count, first);
  const reader = scaler.by === 'ScaledObject' ? new SumReader(scaler, forecast) : new PodReader(scaler, forecast);
  const autoscaler = new HorizontalAutoscaler(scaler);
  const tally = new Tally();
  for (let now = 0; now < curve.seconds; now += 1) {
    if (now === curve.podDiesAt) fleet.kill();
    const before = fleet.staying.length;
    const isSilent = curve.silence !== undefined && now >= curve.silence[0] && now < curve.silence[1];
    if (now % cadence.sync === DECIDE_AT) {
      const after = autoscaler.decide(now, replicasOf(fleet, curve, now, tally.pods), reader.wanted(fleet, now, isSilent));
      tally.decided(now, after);
    }
    if (now % cadence.rules === RULE_AT) reader.record(now, isSilent);
    if (now % cadence.scrape === SCRAPE_AT && !isSilent) reader.scrape(fleet, now);
    fleet.scaleTo(tally.pods ?? before, now);
    tally.refuse(fleet.pass(now, curve.overlays(now)));
    tally.look(fleet.share(now), fleet.fullest(now), fleet.staying.length);
  }
  return tally.evening();
}

/** The Deployment replaces a pod that died before the autoscaler looks. */
function replicasOf(fleet: FleetModel, curve: GrowthCurve, now: number, decided: number | undefined): number {
  return decided ?? fleet.staying.length + (curve.podDiesAt === now ? 1 : 0);
}

class Tally {
  pods: number | undefined;
  private peakShare = 0;
  private peakPod = 0;
  private tight = 0;
  private refused = 0;
  private waiting = 0;
  private mostPods = 0;
  private podHours = 0;
  private ups = 0;
  private downs = 0;
  private flaps = 0;
  private last: { readonly at: number; readonly isUp: boolean } | undefined;

  decided(now: number, pods: number): void {
    const before = this.pods ?? pods;
    this.pods = pods;
    this.mostPods = Math.max(this.mostPods, pods);
    if (pods === before) return;
    const isUp = pods > before;
    if (isUp) this.ups += 1;
    else this.downs += 1;
    if (this.last !== undefined && this.last.isUp !== isUp && now - this.last.at < MIND) this.flaps += 1;
    this.last = { at: now, isUp };
  }

  refuse(overlays: number): void {
    this.refused += overlays;
    if (overlays >= 1) this.waiting += 1;
  }

  look(share: number, fullest: number, pods: number): void {
    this.podHours += pods / 3600;
    this.peakShare = Math.max(this.peakShare, share);
    this.peakPod = Math.max(this.peakPod, fullest);
    if (share >= TIGHT) this.tight += 1;
  }

  evening(): Evening {
    const { peakShare, peakPod, tight, refused, waiting, mostPods, podHours, ups, downs, flaps } = this;
    return {
      peakShare,
      peakPod,
      tight,
      refused: Math.round(refused),
      waiting,
      mostPods,
      podHours,
      podsAtEnd: this.pods ?? 0,
      ups,
      downs,
      flaps,
    };
  }
}
