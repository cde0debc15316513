import type { ServerFrame } from '@droppio/protocol';
import * as ws from 'ws';

type FrameWriter = (data: Buffer, options: { fin: boolean; opcode: number; mask: boolean; readOnly: boolean; rsv1: boolean }) => Buffer[];

/** `ws` builds frames in a static function that its types do not mention; as an ES module it exports it apart from `WebSocket`. */
function findFrameWriter(): FrameWriter | undefined {
  const sender: unknown = Reflect.get(ws, 'Sender');
  if (typeof sender !== 'function') return undefined;
  const frame: unknown = Reflect.get(sender, 'frame');
  return isFrameWriter(frame) ? frame : undefined;
}

function isFrameWriter(value: unknown): value is FrameWriter {
  return typeof value === 'function';
}

const TEXT = 1;
const writeFrame = findFrameWriter();

/**
 * Frames on their way to any number of sockets: each is encoded once, and all of them become one run of bytes that every socket gets
 * with one write.
 */
export class FrameBatch {
  readonly texts: readonly string[];
  /** How many of the frames are events. */
  readonly events: number;
  private bytes: Buffer | undefined;
  private stream: Buffer | undefined;

  constructor(
    readonly frames: readonly ServerFrame[],
    /** Of the creator's stream; needed wherever frames move a client's place in it. */
    private readonly epoch?: string,
  ) {
    this.texts = frames.map((frame) => JSON.stringify(frame));
    this.events = frames.filter(({ op }) => op === 'event').length;
  }

  /** The WebSocket frames, ready for the wire; `undefined` when this version of `ws` cannot build them apart from a socket. */
  get wire(): Buffer | undefined {
    return writeFrame === undefined ? undefined : (this.bytes ??= encode(this.texts, writeFrame));
  }

  /** The same as server-sent events, each place in the stream as an id that the browser brings back as `Last-Event-ID`. */
  get eventStream(): Buffer {
    return (this.stream ??= Buffer.from(this.frames.map((frame, i) => this.sentEvent(frame, this.texts[i] ?? '')).join('')));
  }

  /** Bytes of payload, about. */
  get size(): number {
    return this.wire?.length ?? this.texts.reduce((sum, text) => sum + text.length, 0);
  }

  private sentEvent(frame: ServerFrame, text: string): string {
    const place = placeAfter(frame);
    return `${place === undefined || this.epoch === undefined ? '' : `id: ${this.epoch}.${String(place)}\n`}data: ${text}\n\n`;
  }
}

/** What a client that has taken this frame has dealt with. */
function placeAfter(frame: ServerFrame): number | undefined {
  if (frame.op === 'event') return frame.seq;
  if (frame.op === 'ready') return frame.from - 1;
  return frame.op === 'gap' ? frame.to : undefined;
}

function encode(texts: readonly string[], frame: FrameWriter): Buffer {
  const options = { fin: true, opcode: TEXT, mask: false, readOnly: true, rsv1: false };
  return Buffer.concat(texts.flatMap((text) => frame(Buffer.from(text), options)));
}
