// Hands for the dev chain of compose.yaml: puts the tip jar on it, or sends a tip.
//   node dev-chain.mjs deploy
//   node dev-chain.mjs tip <creator's wallet> <amount in ETH> [message]
import { deployTipJar, devAccounts, openWallet, sendTip } from '@droppio/tip-jar';
import { parseUnits, toHex } from '@droppio/tips';

const [verb, wallet = '', amountText = '', message = ''] = process.argv.slice(2);
const [deployer, tipper] = devAccounts(2);

if (verb === 'deploy') {
  console.log(`The tip jar is at ${await deployTipJar(await open(deployer))}`);
} else if (verb === 'tip') {
  const amount = parseUnits(amountText, 18);
  if (amount === undefined || amount === 0n) fail('The amount must be a number of ETH such as 0.01.');
  const hand = await open(tipper);
  const jar = await deployTipJar(hand);
  console.log(`Tipped: ${await sendTip(hand, { jar, creator: toHex(wallet, 20), amount, message })}`);
} else {
  fail('Usage: dev-chain.mjs deploy | tip <wallet> <amount in ETH> [message]');
}

function open({ privateKey }) {
  return openWallet({ rpcUrl: process.env.RPC_URL ?? 'http://anvil:8545', privateKey });
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
