/*
 * The jar's event, read by hand and by nothing that the product has: topic 0, two addresses as topics, then five words
 * (token, amount, place of the text, ref, length of the text) and the text.
 */
const TIP_EVENT = '0x2a9e6e8148bd84a0a1fefae7f9345626ccbcd17076475d6dff0206db17f46820';
const WORD = 64;

export interface NodeLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly transactionHash: string;
  readonly logIndex: string;
}

export interface ReadTip {
  readonly wallet: string;
  readonly from: string;
  readonly token: string;
  readonly amount: string;
  readonly message: string;
}

export function readTipLog({ topics, data }: NodeLog): ReadTip {
  const [event, creator = '', from = ''] = topics;
  if (event !== TIP_EVENT) throw new Error(`the jar told of something that is no tip: ${String(event)}`);
  const hex = data.slice(2);
  const word = (index: number): string => hex.slice(index * WORD, (index + 1) * WORD);
  const place = Number(BigInt(`0x${word(2)}`)) / 32;
  const length = Number(BigInt(`0x${word(place)}`));
  const start = (place + 1) * WORD;
  return {
    wallet: addressIn(creator.slice(2)),
    from: addressIn(from.slice(2)),
    token: addressIn(word(0)),
    amount: BigInt(`0x${word(1)}`).toString(),
    message: Buffer.from(hex.slice(start, start + length * 2), 'hex').toString('utf8'),
  };
}

const addressIn = (word: string): string => `0x${word.slice(24).toLowerCase()}`;
