import { OverlayVitals, type OverlayPulse } from '@droppio/tips';

/** Of overlays that nobody has ever opened. */
export class StillVitals extends OverlayVitals {
  override hold(): Promise<void> {
    return Promise.resolve();
  }

  override note(): Promise<void> {
    return Promise.resolve();
  }

  override of(): Promise<OverlayPulse> {
    return Promise.resolve({ instances: 0, latenciesMs: [] });
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}
