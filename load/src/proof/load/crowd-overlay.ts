import { MemoryCursorStore, OverlayConnection, TipInbox, WebSocketTransport, type CatchUpRule, type Transport } from '@droppio/client';
import type { EventFrame } from '@droppio/protocol';
import { WebSocket } from 'ws';
import type { EventEntry, TipFields } from '../journals/entry.js';
import type { Journal } from '../journals/journal.js';
import type { CrowdMember } from './crowd-words.js';

/** Everything one by one. Of what was missed the line itself keeps the newest hundred apart, and folds those before into a card. */
const PLAY_ALL: CatchUpRule = { mode: 'play', maxAgeSec: 86_400, maxAlerts: 1_000_000 };
const ANY_BURST = 1_000_000;

/** An overlay without a screen: the product's client and its inbox, with alerts that take no time. */
export class CrowdOverlay {
  isOpen = false;
  links = 0;
  gaps = 0;
  readonly lost: { readonly from: number; readonly to: number }[] = [];
  readonly codes: number[] = [];
  private readonly store = new MemoryCursorStore();
  private connection: OverlayConnection | undefined;

  constructor(
    readonly member: CrowdMember,
    private readonly journal: Journal,
  ) {}

  get place(): number {
    return this.connection?.position?.seq ?? -1;
  }

  start(): void {
    const { member, journal, store } = this;
    const { who, token } = member;
    const { cursor } = store.load();
    let first = cursor === undefined;
    const inbox: TipInbox = new TipInbox(
      store,
      {
        waiting: () => {
          queueMicrotask(() => {
            this.show(inbox);
          });
        },
      },
      { burst: ANY_BURST, catchUp: () => PLAY_ALL },
    );
    let epoch = '';
    this.connection = new OverlayConnection(
      { transport: this.transport(), token, client: 'proof', ...(cursor && { cursor }) },
      {
        ready: (frame, position) => {
          epoch = frame.epoch;
          journal.write({ kind: 'ready', who, epoch, seq: position.seq, first });
          first = false;
          inbox.resume(frame, position);
        },
        event: (frame, position) => {
          journal.write({ ...eventOf(frame, epoch), kind: 'event', who });
          inbox.receive(frame, position);
        },
        gap: (gap, position) => {
          this.gaps += 1;
          if (gap.kind === 'lost') this.told(gap.from, gap.to);
          inbox.advance(position);
        },
        state: ({ kind }) => {
          this.isOpen = kind === 'open';
          if (kind !== 'open') inbox.interrupt();
        },
      },
    );
    this.connection.start();
  }

  /** What an ended page leaves behind is its store. */
  reload(): void {
    this.stop();
    this.start();
  }

  stop(): void {
    this.connection?.stop();
    this.isOpen = false;
  }

  private told(from: number, to: number): void {
    this.lost.push({ from, to });
    this.journal.write({ kind: 'gap', who: this.member.who, from, to });
  }

  private show(inbox: TipInbox): void {
    for (let showing = inbox.take(); showing !== undefined; showing = inbox.take()) {
      const { alert, resumed } = showing;
      const { who } = this.member;
      // Everything of a creator that is told here is in one coin.
      const money = (): string => (alert.kind === 'digest' ? alert.totals : []).reduce((sum, { raw }) => sum + BigInt(raw), 0n).toString();
      if (alert.kind === 'digest') this.journal.write({ kind: 'card', who, tips: alert.tips, money: money() });
      // Tests are nobody's money.
      else if (!resumed && !alert.test) this.journal.write({ kind: 'shown', who, id: alert.id, tip: fieldsOf(alert.view) });
      inbox.screen.done();
    }
  }

  private transport(): Transport {
    const { who, gateway } = this.member;
    return {
      name: 'websocket',
      open: (auth, listener) => {
        this.links += 1;
        let epoch = '';
        return new WebSocketTransport(gateway, WebSocket).open(auth, {
          frame: (frame) => {
            if (frame.op === 'ready') ({ epoch } = frame);
            if (frame.op === 'event') this.journal.write({ ...eventOf(frame, epoch), kind: 'wire', who });
            listener.frame(frame);
          },
          closed: (closing) => {
            this.codes.push(closing.code);
            this.journal.write({ kind: 'close', who, code: closing.code });
            listener.closed(closing);
          },
        });
      },
    };
  }
}

type Told = Omit<EventEntry, 'at' | 'who' | 'kind'>;

export function eventOf(frame: EventFrame, epoch: string): Told {
  const { seq, from = seq, type } = frame;
  const base = { epoch, seq, from, type, id: '', state: '', tips: 0 };
  if (frame.type === 'summary') return { ...base, tips: frame.d.tips };
  if (frame.type !== 'tip' && frame.type !== 'tip.updated' && frame.type !== 'tip.retracted') return base;
  return { ...base, id: frame.id, state: frame.state, tip: fieldsOf(frame.d) };
}

interface View {
  readonly from: string;
  readonly message: string;
  readonly amount: { readonly raw: string; readonly token: string };
}

const fieldsOf = ({ from, message, amount }: View): TipFields => ({ from, message, amount: amount.raw, token: amount.token });
