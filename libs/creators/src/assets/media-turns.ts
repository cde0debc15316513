import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Gauge } from 'prom-client';
import { Overloaded } from '../errors.js';
import { MEDIA_BYTES } from '../metrics.js';

/** Files that are on their way are in memory until the last of their readers has them. */
const MOST_BYTES = 32 * 1024 * 1024;
/** So that slow readers at one address do not take all of it. */
const MOST_BYTES_OF_ONE = 12 * 1024 * 1024;
const COME_BACK_S = 1;

/** How many bytes may be on their way to pages at a time. */
@Injectable()
export class MediaTurns {
  private readonly of = new Map<string, number>();
  private bytes = 0;

  constructor(@InjectMetric(MEDIA_BYTES) private readonly gauge: Gauge) {}

  /** Takes room for a file until what it gives back is called. Throws `Overloaded`. */
  take(address: string, size: number): () => void {
    const mine = this.of.get(address) ?? 0;
    if (this.bytes + size > MOST_BYTES || mine + size > MOST_BYTES_OF_ONE) throw new Overloaded('Others are fetching files.', COME_BACK_S);
    this.note(address, size);
    let taken = true;
    return () => {
      if (taken) this.note(address, -size);
      taken = false;
    };
  }

  private note(address: string, size: number): void {
    const mine = (this.of.get(address) ?? 0) + size;
    if (mine === 0) this.of.delete(address);
    else this.of.set(address, mine);
    this.bytes += size;
    this.gauge.set(this.bytes);
  }
}
