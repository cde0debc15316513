import { parseServerFrame, PROTOCOL, type ServerFrame } from '@droppio/protocol';
import { openWallet, sendTip, type DevAccount } from '@droppio/tip-jar';
import { within, type Hex } from '@droppio/tips';
import { WebSocket } from 'ws';

export interface FirstTip {
  readonly webSocketUrl: string;
  readonly rpcUrl: string;
  readonly jar: Hex;
  readonly tipper: DevAccount;
  readonly creator: Hex;
  /** Smallest units of the chain's own coin. */
  readonly amount: bigint;
  readonly message: string;
}

const DEADLINE_MS = 20_000;

/** Sends one real tip to a connected overlay. Resolves with the milliseconds from sending the transaction to the frame's arrival. */
export async function firstTip(plan: FirstTip): Promise<number> {
  const socket = new WebSocket(plan.webSocketUrl, [PROTOCOL]);
  try {
    return await within(DEADLINE_MS, 'the first tip', travel(socket, plan));
  } finally {
    socket.close(1000);
  }
}

async function travel(socket: WebSocket, plan: FirstTip): Promise<number> {
  await nextFrame(socket, (frame) => frame.op === 'ready');
  const wallet = await openWallet({ rpcUrl: plan.rpcUrl, privateKey: plan.tipper.privateKey });
  const shown = nextFrame(socket, (frame) => frame.op === 'event' && frame.type === 'tip' && frame.d.message === plan.message);
  const sentAt = performance.now();
  await sendTip(wallet, { jar: plan.jar, creator: plan.creator, amount: plan.amount, message: plan.message });
  await shown;
  return performance.now() - sentAt;
}

function nextFrame(socket: WebSocket, wanted: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
  return new Promise((resolve, reject) => {
    const look = (data: unknown): void => {
      const frame = parseServerFrame(String(data));
      if (frame === undefined || !wanted(frame)) return;
      socket.off('message', look);
      resolve(frame);
    };
    socket.on('message', look);
    socket.once('error', reject);
    socket.once('close', (code) => {
      reject(new Error(`the overlay's socket was closed with ${String(code)}`));
    });
  });
}
