import fc from 'fast-check';
import { ManualClock } from '@droppio/tips/testing';
import { describe, expect, it } from 'vitest';
import { OverlayConnection } from './overlay-connection.js';
import { aTipFrame, ScriptedTransport, settle, type ScriptedLink } from './testing/scripted-transport.js';

/** A gateway with a log and a retention, whose wire loses, repeats and cuts as the run says. */
class FaultyGateway {
  readonly transport = new ScriptedTransport();
  head = 0;
  oldest = 1;
  private readonly sentTo = new Map<ScriptedLink, number>();

  get open(): ScriptedLink[] {
    return this.transport.links.filter((link) => link.isOpen);
  }

  /** Answers every link that is waiting for its handshake. */
  admit(): void {
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
  ...(['lose', 'repeat', 'cut', 'move', 'ping', 'wait', 'lone publish'] as const).map((kind) => ({
    weight: 2,
    arbitrary: fc.constant(kind),
  })),
);

type Step = 'publish' | 'lose' | 'repeat' | 'cut' | 'move' | 'ping' | 'wait' | 'lone publish';

function happen(kind: Step, gateway: FaultyGateway): void {
  const link = gateway.open.at(0);
  switch (kind) {
    case 'publish':
      gateway.publish(() => true);
      break;
    case 'lose':
      gateway.publish(() => false);
      break;
    case 'lone publish':
      gateway.head += 1;
      break;
    case 'repeat':
      if (gateway.head > 0) link?.say(aTipFrame(Math.max(1, gateway.head - 2)));
      break;
    case 'cut':
      link?.drop();
      break;
    case 'move':
      link?.say({ op: 'move', afterMs: 10, graceMs: 5000, why: 'drain' });
      break;
    case 'ping':
      for (const each of gateway.open) each.say({ op: 'ping', head: gateway.head });
      break;
    case 'wait':
      break;
  }
}

describe(OverlayConnection.name, () => {
  it('hands over each event exactly once and in order, or announces it as lost, whatever the wire does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new ManualClock();
        const gateway = new FaultyGateway();
        const story: { from: number; to: number; lost: boolean }[] = [];
        const connection = new OverlayConnection(
          { transport: gateway.transport, token: 't', cursor: { epoch: 'e1', seq: 0 }, clock, random: () => 0.5 },
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
          happen(kind, gateway);
          if (kind === 'wait') clock.advance(21_000);
          // Not after every step, so that links also live half-open for a while.
          else if (kind !== 'move') gateway.admit();
          await settle();
        }
        // Two more rounds in peace: every loss is noticed by a ping at the latest.
        for (let round = 0; round < 4; round += 1) {
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
