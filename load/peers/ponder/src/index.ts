import { ponder } from 'ponder:registry';
import { tip } from 'ponder:schema';

ponder.on('TipJar:Tip', async ({ event, context }) => {
  const { creator, from, token, amount, message, ref } = event.args;
  await context.db.insert(tip).values({
    id: event.id,
    txHash: event.transaction.hash,
    blockNumber: event.block.number,
    creator,
    sender: from,
    token,
    amount,
    message,
    ref,
  });
});
