import { Injectable } from '@nestjs/common';
import { OverlayTokens } from '@droppio/protocol/overlay-token';
import type { Overlay } from '@droppio/tips';
import { CreatorsOptions } from '../creators-options.js';
import type { OverlayUrlView } from './overlay.schema.js';

/** The addresses that open an overlay. Nothing of them is stored: the token is signed anew from the overlay's version. */
@Injectable()
export class OverlayLinks {
  constructor(
    private readonly options: CreatorsOptions,
    private readonly tokens: OverlayTokens,
  ) {}

  urlsOf({ id: overlayId, creatorId, version }: Overlay): OverlayUrlView {
    const token = this.tokens.sign({ overlayId, creatorId, version });
    return {
      // A fragment never leaves the browser: not into access logs, not into Referer.
      pageUrl: `${this.options.pageUrl}/#${token}`,
      webSocketUrl: `${this.options.gatewayUrl}?token=${token}`,
    };
  }
}
