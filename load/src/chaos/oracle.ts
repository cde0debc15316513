import { faultsOfPath, isStanding } from './legal-paths.js';
import type { ChainTruth, StandingTip } from './oracle-chain.js';
import { countQuarantined, readStreams, readTips, readWindow, type LedgerStream, type LedgerTip } from './oracle-ledger.js';
import type { OverlaySink } from './overlay-sink.js';

/** What went wrong, by the four things that must never happen, and everything else. */
export interface Findings {
  readonly lost: string[];
  readonly doubled: string[];
  readonly invented: string[];
  readonly illegal: string[];
  readonly other: string[];
}

export const noFindings = (): Findings => ({ lost: [], doubled: [], invented: [], illegal: [], other: [] });

/** Compares the ledger with the chains and with what overlays have shown. Shares no code with the listener. */
export async function judge(url: string, truths: readonly ChainTruth[], sinks: readonly OverlaySink[]): Promise<Findings> {
  const findings = noFindings();
  const [tips, streams] = [await readTips(url), await readStreams(url)];
  for (const truth of truths) {
    const own = tips.filter(({ chainId }) => chainId === truth.chainId);
    judgeTips(truth, own, findings);
    await judgeCoverage(url, truth, findings);
  }
  const standing = new Map(truths.flatMap((truth) => [...truth.tips]));
  for (const stream of streams) {
    judgeStream(stream, tips, findings);
    const sink = sinks.find(({ creatorId }) => creatorId === stream.creatorId);
    if (sink === undefined) findings.other.push(`nobody watched creator ${stream.creatorId}`);
    else judgeSink(stream, sink, standing, findings);
  }
  const quarantined = await countQuarantined(url);
  if (quarantined > 0) findings.other.push(`${String(quarantined)} logs were set aside, and none was bad`);
  return findings;
}

function judgeTips(truth: ChainTruth, tips: readonly LedgerTip[], findings: Findings): void {
  const standing = new Map(tips.filter(({ state }) => isStanding(state)).map((tip) => [tip.id, tip]));
  for (const [id, tip] of truth.tips) {
    const stored = standing.get(id);
    if (stored === undefined) findings.lost.push(`${id} stands in block ${String(tip.blockNumber)} and not in the ledger`);
    else compare(tip, stored, truth, findings);
  }
  for (const id of standing.keys()) if (!truth.tips.has(id)) findings.invented.push(`${id} stands in the ledger and not on the chain`);
  for (const tip of tips) {
    if (tip.state === 'orphaned' && tip.blockNumber <= truth.finalized)
      findings.illegal.push(`${tip.id} is orphaned below the finalised block`);
    if (tip.state === 'seen') findings.illegal.push(`${tip.id} is seen still`);
  }
}

const FACTS = ['wallet', 'sender', 'token', 'amount', 'message', 'ref', 'blockNumber', 'blockHash', 'logIndex'] as const;

function compare(tip: StandingTip, stored: LedgerTip, truth: ChainTruth, findings: Findings): void {
  for (const fact of FACTS) {
    if (tip[fact] !== undefined && tip[fact] !== stored[fact])
      findings.other.push(`${tip.id}: ${fact} is ${String(stored[fact])} and not ${String(tip[fact])}`);
  }
  if (tip.blockNumber <= truth.finalized && stored.state !== 'finalized')
    findings.other.push(`${tip.id} is ${stored.state} in a finalised block`);
}

/** The window reaches from the head to the start, block on block, as on the chain. */
async function judgeCoverage(url: string, truth: ChainTruth, { other }: Findings): Promise<void> {
  const window = await readWindow(url, truth.chainId);
  const at = `chain ${String(truth.chainId)}`;
  if (window.length !== truth.hashes.length)
    other.push(`${at}: ${String(window.length)} blocks are canonical, not ${String(truth.hashes.length)}`);
  for (const [index, block] of window.entries()) {
    if (truth.hashes[block.number] !== block.hash) other.push(`${at}: block ${String(block.number)} is not the chain's`);
    const below = window[index + 1];
    if (below !== undefined && (below.hash !== block.parentHash || below.number !== block.number - 1))
      other.push(`${at}: a hole below ${String(block.number)}`);
  }
}

const NOBODY = `0x${'0'.repeat(40)}`;

/** All rules of this runner hide senders, so who sees one sees what nobody has screened. */
function unscreenedIn({ screens, events }: LedgerStream): string[] {
  return events.flatMap(({ id, sender }) => (screens && sender !== NOBODY ? [`${id} was told of as nobody had screened it`] : []));
}

function judgeStream(stream: LedgerStream, tips: readonly LedgerTip[], { illegal, other }: Findings): void {
  const { creatorId, events, head, published } = stream;
  for (const [index, { seq }] of events.entries())
    if (seq !== index + 1) illegal.push(`creator ${creatorId}: seq ${String(seq)} at place ${String(index + 1)}`);
  illegal.push(...unscreenedIn(stream));
  if (events.length !== head) illegal.push(`creator ${creatorId}: the head is ${String(head)} over ${String(events.length)} events`);
  if (published !== head) other.push(`creator ${creatorId}: the outbox holds ${String(head - published)} events`);
  const stories = new Map<string, (typeof events)[number][]>();
  for (const event of events) stories.set(event.id, [...(stories.get(event.id) ?? []), event]);
  const stored = new Map(tips.map((tip) => [tip.id, tip]));
  for (const [id, story] of stories) {
    illegal.push(...faultsOfPath(id, story, stream.screens));
    const last = story.at(-1);
    const tip = stored.get(id);
    if (tip === undefined || last === undefined) illegal.push(`${id} was told and is not stored`);
    // A tip that is lost was retracted before: that step is told to nobody.
    else if (tip.state !== last.state && !(tip.state === 'lost' && last.state === 'orphaned'))
      illegal.push(`${id} is ${tip.state} and was last told as ${last.state}`);
  }
}

function judgeSink(stream: LedgerStream, sink: OverlaySink, standing: ReadonlyMap<string, StandingTip>, findings: Findings): void {
  findings.other.push(...sink.faults);
  if (sink.cursor !== stream.head)
    findings.lost.push(`creator ${stream.creatorId}: the overlay stands at ${String(sink.cursor)} of ${String(stream.head)}`);
  for (const [id, times] of sink.alerts) if (times > 1) findings.doubled.push(`${id} played ${String(times)} alerts`);
  // What the creator is still to wait for may be shown already: it was told before a fork gave it a younger block.
  const isDue = (tip: StandingTip): boolean => tip.onTop + 1 >= stream.alertAfter || sink.tips.has(tip.id);
  const own = [...standing.values()].filter((tip) => stream.wallets.includes(tip.wallet) && isDue(tip));
  let shown = 0n;
  for (const tip of own) {
    const last = sink.tips.get(tip.id);
    if (last === undefined || last.type === 'tip.retracted') findings.lost.push(`${tip.id} stands and the overlay does not show it`);
    else shown += BigInt(last.d.amount.raw);
  }
  for (const [id, { type }] of sink.tips)
    if (type !== 'tip.retracted' && !standing.has(id)) findings.invented.push(`${id} is shown and does not stand`);
  const sum = own.reduce((total, { amount }) => total + amount, 0n);
  if (sum !== shown) findings.other.push(`creator ${stream.creatorId}: ${String(shown)} shown of ${String(sum)}`);
}
