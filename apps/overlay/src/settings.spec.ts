import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.js';

const at = (hash: string, protocol = 'https:') => ({ protocol, host: 'tips.example:8443', hash });

describe(readSettings.name, () => {
  it('reads the token from the fragment and finds the gateway on its own host', () => {
    expect(readSettings(at('#dro_ov_AZ-09_'), '')).toEqual({ token: 'dro_ov_AZ-09_', gatewayUrl: 'wss://tips.example:8443/overlay' });
    expect(readSettings(at('#dro_ov_x', 'http:'), '')?.gatewayUrl).toBe('ws://tips.example:8443/overlay');
  });

  it('reads a name that keeps two sources of one URL apart', () => {
    expect(readSettings(at('#token=dro_ov_x&name=left%20screen'), '')).toMatchObject({ token: 'dro_ov_x', name: 'left screen' });
    expect(readSettings(at('#token=dro_ov_x&name='), '')).not.toHaveProperty('name');
    expect(readSettings(at(`#token=dro_ov_x&name=${'n'.repeat(99)}`), '')?.name).toHaveLength(40);
    // Half of an emoji cannot be written down.
    expect(readSettings(at(`#token=dro_ov_x&name=${'n'.repeat(39)}${encodeURIComponent('🎥')}`), '')?.name).toBe('n'.repeat(39));
  });

  it('reads how long the page may be hidden before it rests, within an hour', () => {
    expect(readSettings(at('#token=dro_ov_x&rest=300'), '')).toMatchObject({ restAfterSec: 300 });
    for (const rest of ['', '0', '-5', '3601', 'x', 'Infinity']) {
      expect(readSettings(at(`#token=dro_ov_x&rest=${rest}`), '')).not.toHaveProperty('restAfterSec');
    }
  });

  it('reads that somebody only wants to look, and tells the gateway', () => {
    const looking = (search: string) => readSettings({ ...at('#dro_ov_x'), search }, '');
    expect(looking('?preview=1')).toEqual({
      token: 'dro_ov_x',
      gatewayUrl: 'wss://tips.example:8443/overlay?preview=1',
      preview: { sounds: false },
    });
    expect(looking('?preview=1&sound=1')).toMatchObject({ preview: { sounds: true } });
    for (const search of ['', '?', '?preview=0', '?preview', '?sound=1']) {
      expect(looking(search)).toEqual({ token: 'dro_ov_x', gatewayUrl: 'wss://tips.example:8443/overlay' });
    }
  });

  it('takes the gateway that the server of the page names', () => {
    expect(readSettings(at('#dro_ov_x'), 'wss://gw.example/overlay')?.gatewayUrl).toBe('wss://gw.example/overlay');
  });

  it("tells the gateway's address whose overlay it is, and never the token", () => {
    const token = `dro_ov_${'o'.repeat(24)}${'c'.repeat(20)}${'s'.repeat(48)}`;
    expect(readSettings(at(`#${token}`), '')?.gatewayUrl).toBe(`wss://tips.example:8443/overlay?creator=${'c'.repeat(20)}`);
  });

  it.each(['', '#', '#nonsense', '#token=', '#dro_ov_', `#dro_ov_${'x'.repeat(600)}`, '#dro_ov_<script>'])(
    'finds no token in %j',
    (hash) => {
      expect(readSettings(at(hash), '')).toBeUndefined();
    },
  );
});
