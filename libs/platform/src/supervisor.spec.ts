import { describe, expect, it } from 'vitest';
import { tellSupervisor } from './supervisor.js';

const never = (): boolean => false;

function aChannel(connected = true) {
  const said: unknown[] = [];
  return { said, connected, send: (word: unknown): boolean => said.push(word) > 0 };
}

describe(tellSupervisor.name, () => {
  it('says that it is ready once it is, and no sooner', async () => {
    const channel = aChannel();
    const answers = [false, false, true];
    const asked: number[] = [];
    const isReady = (): Promise<boolean> => {
      asked.push(channel.said.length);
      return Promise.resolve(answers.shift() ?? true);
    };
    await tellSupervisor({ isReady }, never, channel);
    expect(asked).toEqual([0, 0, 0]);
    expect(channel.said).toEqual(['ready']);
  });

  it('says so at once where nothing can be asked', async () => {
    const channel = aChannel();
    await tellSupervisor({}, never, channel);
    expect(channel.said).toEqual(['ready']);
  });

  it('says nothing where nobody listens, or when it has been told to stop', async () => {
    const [deaf, stopped] = [aChannel(false), aChannel()];
    await tellSupervisor({}, never, deaf);
    let rounds = 0;
    await tellSupervisor({ isReady: () => Promise.resolve(false) }, () => (rounds += 1) > 2, stopped);
    expect([...deaf.said, ...stopped.said]).toEqual([]);
  });
});
