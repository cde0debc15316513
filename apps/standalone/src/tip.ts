import { runMain, StartupFault } from '@droppio/platform';
import { openWallet, sendTip } from '@droppio/tip-jar';
import { formatUnits, parseUnits } from '@droppio/tips';
import { tipEnv } from './env.js';
import { readFacts } from './facts.js';

const USAGE = 'Usage: npm run tip -- <amount in ETH> ["message"], for example: npm run tip -- 0.01 "gg"';
const ETH_DECIMALS = 18;
/** The contract's own limit. */
const MESSAGE_MAX_BYTES = 280;

/** `npm run tip`: one real tip to the demo creator of the running standalone. */
async function tip(args: readonly string[]): Promise<void> {
  const [amountText, message = ''] = args;
  const amount = parseUnits(amountText ?? '', ETH_DECIMALS);
  if (amount === undefined || amount === 0n || args.length > 2) throw new StartupFault(USAGE);
  if (Buffer.byteLength(message) > MESSAGE_MAX_BYTES) throw new StartupFault(`A message has at most ${String(MESSAGE_MAX_BYTES)} bytes.`);
  const facts = await readFacts(tipEnv().DATA_DIR);
  if (facts === undefined || !isAlive(facts.pid))
    throw new StartupFault('No running Droppio was found. Start it with "npm start" in another terminal.');
  const { rpc, tipJar, tipperKey } = facts.chain;
  const wallet = await openWallet({ rpcUrl: rpc, privateKey: tipperKey }).catch((cause: unknown) => {
    throw new StartupFault(`The dev chain at ${rpc} does not answer. Is "npm start" still running?`, { cause });
  });
  const hash = await sendTip(wallet, { jar: tipJar, creator: facts.creator.wallet, amount, message }).catch((cause: unknown) => {
    throw new StartupFault(`The tip was refused: ${cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : 'no reason given'}`, {
      cause,
    });
  });
  console.log(`Tipped ${formatUnits(amount, ETH_DECIMALS)} ETH to @${facts.creator.handle}: ${hash}`);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

await runMain(async () => {
  await tip(process.argv.slice(2));
  process.exit(0);
});
