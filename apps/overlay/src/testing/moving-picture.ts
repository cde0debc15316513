const SIZE = 16;
/** Codes of three bits: begin anew, and the end. */
const [CLEAR, END] = [4, 5];

/** A GIF of two frames for ever in turn: all red, all blue. */
export function movingPicture(frameMs: number): Buffer {
  const head = [0x47, 0x49, 0x46, 0x38, 0x39, 0x61, SIZE, 0, SIZE, 0, 0x81, 0, 0];
  const colours = [0xff, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0];
  const forEver = [0x21, 0xff, 11, ...Buffer.from('NETSCAPE2.0'), 3, 1, 0, 0, 0];
  const frame = (colour: number): number[] => {
    const pixels = packed(colour);
    return [0x21, 0xf9, 4, 4, frameMs / 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, SIZE, 0, SIZE, 0, 0, 2, pixels.length, ...pixels, 0];
  };
  return Buffer.from([...head, ...colours, ...forEver, ...frame(0), ...frame(1), 0x3b]);
}

/** Begun anew after every second pixel, so that the codes never grow. */
function packed(colour: number): number[] {
  const codes = [...Array.from({ length: SIZE ** 2 / 2 }, () => [CLEAR, colour, colour]).flat(), END];
  const bits = codes.flatMap((code) => [code & 1, (code >> 1) & 1, (code >> 2) & 1]);
  return Array.from({ length: Math.ceil(bits.length / 8) }, (_, at) =>
    bits.slice(at * 8, at * 8 + 8).reduce((byte, bit, place) => byte | (bit << place), 0),
  );
}
