import type { AuthFrame, ClientFrame, ServerFrame } from '@droppio/protocol';

/** Why a link is over. Codes as in `CloseCode`; 1006 when the network took it away without a word. */
export interface Closing {
  readonly code: number;
  readonly why?: string;
  /** The server's wish: not before that many milliseconds. */
  readonly retryMs?: number;
}

export interface LinkListener {
  /** Frames in the order in which the server sent them. */
  frame(frame: ServerFrame): void;
  /** Once, and nothing after it. Not called for a link that was closed from this side. */
  closed(closing: Closing): void;
}

export interface TransportLink {
  /** Best effort: a frame for a link that is not open (any more) is dropped. */
  send(frame: ClientFrame): void;
  /** Lets go at once; the listener hears nothing more. */
  close(code: number, why: string): void;
}

/**
 * A way to the gateway. `open` returns at once and never throws: a failure to connect arrives as `closed`. `auth` is asked at the moment
 * the server wants to know, so that the cursor in it is the newest. Delivers what the server sends, in order, possibly with frames
 * missing or repeated: the connection above checks.
 */
export interface Transport {
  readonly name: string;
  open(auth: () => AuthFrame, listener: LinkListener): TransportLink;
}
