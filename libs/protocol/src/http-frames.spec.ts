import { describe, expect, it } from 'vitest';
import { closeReason } from './close-codes.js';
import { parseClosingNote, parsePollAnswer } from './http-frames.js';

describe('a goodbye over HTTP', () => {
  it('carries what a close frame would have carried', () => {
    const text = `{"code":4001,"reason":${closeReason('drain', 4200)}}`;
    expect(parseClosingNote(text)).toEqual({ code: 4001, reason: { r: 'drain', retryMs: 4200 } });
  });

  it.each(['', '{}', '{"code":"4001","reason":{}}', '{"code":4001}', '{"code":4001,"reason":{"retryMs":-1}}', '<html>'])(
    'is not read into %j',
    (text) => {
      expect(parseClosingNote(text)).toBeUndefined();
    },
  );
});

describe('an answer to a poll', () => {
  it('is read frame by frame, without those of a newer server', () => {
    const text = '{"frames":[{"op":"ping","head":3},{"op":"from-the-future"},{"op":"gap","from":1,"to":2}],"newer":1}';
    expect(parsePollAnswer(text)?.frames).toEqual([
      { op: 'ping', head: 3 },
      { op: 'gap', from: 1, to: 2 },
    ]);
  });

  it.each(['', '[]', '{"frames":{}}', '<html>'])('is not seen in %j', (text) => {
    expect(parsePollAnswer(text)).toBeUndefined();
  });
});
