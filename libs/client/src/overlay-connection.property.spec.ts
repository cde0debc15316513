import fc from 'fast-check';
import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { Ladder } from './ladder.js';
import { OverlayConnection } from './overlay-connection.js';
import { aTipFrame, ScriptedTransport, settle, type ScriptedLink } from './testing/scripted-transport.js';

/** A gateway with a log and a retention, whose wire loses, repeats and cuts as the run says, and whose ways may be barred. */
class FaultyGateway {
  readonly transports = [new ScriptedTransport(), new ScriptedTransport(), new ScriptedTransport()] as const;
  readonly barred = new Set<ScriptedTransport>();
  head = 0;
  oldest = 1;
  private readonly sentTo = new Map<ScriptedLink, number>();

  get open(): ScriptedLink[] {
    return this.transports.flatMap(({ links }) => links).filter((link) => link.isOpen);
  }

  bar(transport: ScriptedTransport): void {
    this.barred.add(transport);
    for (const link of transport.links.filter(({ isOpen }) => isOpen)) link.drop();
  }

  /** Answers every link that is waiting for its handshake. */
  admit(): void {
    for (const transport of this.barred) this.bar(transport);
    for (const link of this.open.filter((candidate) => !this.sentTo.has(candidate))) {
      link.hello();
      const wanted = (link.auth?.cursor?.seq ?? this.head) + 1;
      const from = Math.max(wanted, this.oldest);
      link.ready(from, this.head, 'e1', from === wanted);
      this.sentTo.set(link, from - 1);
      this.flush(link, () => true);
    }
  }

  publish(survives: () => boolean): void {
    this.head += 1;
    this.oldest = Math.max(this.oldest, this.head - 20);
    for (const link of this.open) this.flush(link, survives);
  }

  private flush(link: ScriptedLink, survives: () => boolean): void {
    const sent = this.sentTo.get(link);
    if (sent === undefined) return;
    for (let seq = sent + 1; seq <= this.head; seq += 1) if (survives()) link.say(aTipFrame(seq));
    this.sentTo.set(link, this.head);
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant('publish' as const) },
  ...(['lose', 'repeat', 'cut', 'move', 'ping', 'wait', 'lone publish', 'rest', 'wake', 'bar', 'unbar'] as const).map((kind) => ({
    weight: 2,
    arbitrary: fc.constant(kind),
  })),
);

type Step = 'publish' | 'lose' | 'repeat' | 'cut' | 'move' | 'ping' | 'wait' | 'lone publish' | 'rest' | 'wake' | 'bar' | 'unbar';

const happenings: Record<Step, (gateway: FaultyGateway, connection: OverlayConnection) => void> = {
  publish: (gateway) => {
    gateway.publish(() => true);
  },
  lose: (gateway) => {
    gateway.publish(() => false);
  },
  'lone publish': (gateway) => {
    gateway.head += 1;
  },
  repeat: (gateway) => {
    if (gateway.head > 0) gateway.open.at(0)?.say(aTipFrame(Math.max(1, gateway.head - 2)));
  },
  cut: (gateway) => {
    gateway.open.at(0)?.drop();
  },
  move: (gateway) => {
    gateway.open.at(0)?.say({ op: 'move', afterMs: 10, graceMs: 5000, why: 'drain' });
  },
  ping: (gateway) => {
    for (const each of gateway.open) each.say({ op: 'ping', head: gateway.head });
  },
  wait: () => undefined,
  rest: (_, connection) => {
    connection.rest();
  },
  wake: (_, connection) => {
    connection.wake();
  },
  bar: (gateway) => {
    const free = gateway.transports.find((transport) => !gateway.barred.has(transport));
    if (free !== undefined) gateway.bar(free);
  },
  unbar: (gateway) => {
    gateway.barred.clear();
  },
};

const ways = [
  ['one way', (gateway: FaultyGateway) => gateway.transports[0]],
  [
    'a ladder',
    (gateway: FaultyGateway, clock: ManualClock) => new Ladder(gateway.transports, { clock, random: () => 1, climbAfterMs: 15_000 }),
  ],
] as const;

describe.each(ways)(`${OverlayConnection.name} by %s`, (_, transportOf) => {
  it('hands over each event exactly once and in order, or announces it as lost, whatever the wire does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new ManualClock();
        const gateway = new FaultyGateway();
        const story: { from: number; to: number; lost: boolean }[] = [];
        const connection = new OverlayConnection(
          { transport: transportOf(gateway, clock), token: 't', cursor: { epoch: 'e1', seq: 0 }, clock, random: () => 0.5 },
          {
            event: ({ seq }) => story.push({ from: seq, to: seq, lost: false }),
            gap: (gap) => {
              if (gap.kind === 'lost') story.push({ from: gap.from, to: gap.to, lost: true });
            },
            ready: () => undefined,
            state: () => undefined,
          },
        );
        connection.start();
        for (const kind of [...steps, 'ping' as const, 'wait' as const, 'wait' as const]) {
          happenings[kind](gateway, connection);
          if (kind === 'wait') clock.advance(21_000);
          // Not after every step, so that links also live half-open for a while.
          else if (kind !== 'move') gateway.admit();
          await settle();
        }
        gateway.barred.clear();
        connection.wake();
        // More rounds in peace: every loss is noticed by a ping at the latest.
        for (let round = 0; round < 6; round += 1) {
          gateway.admit();
          for (const link of gateway.open) link.say({ op: 'ping', head: gateway.head });
          clock.advance(21_000);
          await settle();
        }
        gateway.admit();
        connection.stop();

        let next = 1;
        for (const { from, to, lost } of story) {
          expect(from, 'in order, each once').toBe(next);
          if (lost) expect(to, 'only what the server no longer had').toBeLessThan(gateway.oldest);
          next = to + 1;
        }
        expect(next - 1, 'nothing forgotten').toBe(gateway.head);
      }),
      { numRuns: 200 },
    );
  });
});
