import { describe, expect, it } from 'vitest';
import { TargetGuard, type TargetRules } from './target-guard.js';
import { StubNames } from './testing/names.js';
import { WEBHOOK_DEFAULTS } from './webhook-settings.js';

const PUBLIC = '93.184.216.34';

function guard(rules: Partial<TargetRules> = {}, names = new StubNames().says('hooks.example.com', [PUBLIC])): TargetGuard {
  return new TargetGuard({ ...WEBHOOK_DEFAULTS, ...rules }, names);
}

/** Every way to write an address that leads where nobody should be led, or that others would read differently. */
export const REFUSED_URLS = [
  'https://127.0.0.1/',
  'https://127.1/',
  'https://127.0.1/',
  'https://0/',
  'https://0.0.0.0/',
  'https://2130706433/',
  'https://017700000001/',
  'https://0177.0.0.1/',
  'https://0x7f000001/',
  'https://0x7f.0.0.1/',
  'https://0x7f.1/',
  'https://127.0.0.1./',
  'https://10.0.0.1/',
  'https://167772161/',
  'https://0xa.0.0.1/',
  'https://172.16.0.1/',
  'https://192.168.1.1/',
  'https://100.64.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://2852039166/',
  'https://0xa9fea9fe/',
  'https://0251.0376.0251.0376/',
  'https://168.63.129.16/machine/?comp=goalstate',
  'https://[::ffff:168.63.129.16]/',
  'https://198.18.0.1/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://[::]/',
  'https://[::1]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[::127.0.0.1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::ffff:169.254.169.254]/',
  'https://[64:ff9b::127.0.0.1]/',
  'https://[64:ff9b:1::a00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'https://[fd00::1]/',
  'https://[fd00:ec2::254]/',
  'https://[fe80::1]/',
  'https://[fe80::1%25eth0]/',
  'https://[fec0::1]/',
  'https://[ff02::1]/',
  'https://localhost/',
  'https://LOCALHOST/',
  'https://localhost./',
  'https://localhost:8443/',
  'https://a.localhost/',
  'https://printer.local/',
  'https://metadata.google.internal/',
  'https://kubernetes.default.svc.cluster.local/',
  'https://api.default.svc/',
  'https://redis/',
  'https://router.home.arpa/',
  'https://intranet.corp/',
  'https://something.onion/',
  'https://hooks.example.com./',
  'https://hooks..example.com/',
  'https://ｌｏｃａｌｈｏｓｔ/',
  'https://１２７.０.０.１/',
  'https://127。0。0。1/',
  'https://①②⑦.⓪.⓪.①/',
  'https://%31%32%37.0.0.1/',
  'https://ⓛocalhost/',
  'https://user:pass@hooks.example.com/',
  'https://user@hooks.example.com/',
  'https://@hooks.example.com/',
  'https://hooks.example.com@127.0.0.1/',
  'https://hooks.example.com:443@127.0.0.1/',
  'https://127.0.0.1#@hooks.example.com/',
  'https://hooks.example.com\\@127.0.0.1/',
  'https:\\\\127.0.0.1/',
  'https:/hooks.example.com\t/',
  'https://hooks.example.com /',
  'https://hooks.exa\nmple.com/',
  'https://hooks.example.com/\u0000',
  'https://hooks.example.com/#fragment',
  'https://hooks.example.com#',
  'https://hooks.example.com:80/',
  'https://hooks.example.com:22/',
  'https://hooks.example.com:6379/',
  'https://hooks.example.com:65536/',
  'https://hooks.example.com:0/',
  'http://hooks.example.com/',
  'HTTP://hooks.example.com/',
  'ftp://hooks.example.com/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_FLUSHALL',
  'data:text/plain,x',
  'javascript:alert(1)',
  'blob:https://hooks.example.com/x',
  '//hooks.example.com/',
  'hooks.example.com',
  '',
  'https://',
  'https:///',
  'https://-.com/',
  `https://${'a'.repeat(64)}.com/`,
  `https://hooks.example.com/${'a'.repeat(2048)}`,
  `https://hooks.example.com/${'ä'.repeat(400)}`,
];

describe(TargetGuard.name, () => {
  it.each(REFUSED_URLS.map((url) => [url]))('refuses %j', async (url) => {
    // Whatever the name servers of the world would say.
    const names = new StubNames();
    names.addressesOf = () => Promise.resolve([PUBLIC]);
    expect(await guard({}, names).check(url)).toMatchObject({ kind: 'refusal', fault: 'refused-address' });
  });

  it('is asked about many of them', () => {
    expect(new Set(REFUSED_URLS).size).toBeGreaterThanOrEqual(60);
  });

  it.each([
    ['https://hooks.example.com/', 'https://hooks.example.com/'],
    ['https://HOOKS.example.com:443/a?b=c%20d', 'https://hooks.example.com/a?b=c%20d'],
    ['https://hooks.example.com:8443/@me', 'https://hooks.example.com:8443/@me'],
    ['https://8.8.8.8/', 'https://8.8.8.8/'],
    ['https://[2606:4700:4700::1111]/', 'https://[2606:4700:4700::1111]/'],
  ])('allows %s', async (url, href) => {
    const target = await guard().check(url);
    expect(target).toMatchObject({ kind: 'target', url: new URL(href) });
  });

  it('allows names in any script, in their ASCII form', async () => {
    const names = new StubNames().says('xn--mnchen-3ya.example.com', [PUBLIC]);
    expect(await guard({}, names).check('https://münchen.example.com/')).toMatchObject({ kind: 'target', addresses: [PUBLIC] });
  });

  it.each([
    ['one that leads to us', ['127.0.0.1']],
    ['one of several that leads to us', [PUBLIC, '10.0.0.7']],
    ['one in IPv6 clothes', [PUBLIC, '::ffff:169.254.169.254']],
    ['nonsense', ['no address']],
  ])('refuses a name with %s among its addresses', async (_what, answer) => {
    const names = new StubNames().says('hooks.example.com', answer);
    expect(await guard({}, names).check('https://hooks.example.com/')).toMatchObject({ kind: 'refusal', fault: 'refused-address' });
  });

  it('says the same of a name that leads nowhere as of one that leads to us', async () => {
    const names = new StubNames().says('hooks.example.com', ['10.0.0.7']).says('nowhere.example.com', []);
    const [ours, nowhere] = await Promise.all(
      ['https://hooks.example.com/', 'https://nowhere.example.com/'].map((url) => guard({}, names).check(url)),
    );
    expect(nowhere).toMatchObject({ kind: 'refusal', fault: 'no-address' });
    expect(ours?.kind === 'refusal' && ours.why).toBe(nowhere?.kind === 'refusal' && nowhere.why);
  });

  it('lets a developer use http, and still no address of ours', async () => {
    const lax = guard({ allowHttp: true });
    expect(await lax.check('http://hooks.example.com/')).toMatchObject({ kind: 'target' });
    for (const url of ['http://127.0.0.1/', 'http://localhost/', 'http://hooks.example.com:6379/', 'http://[::1]/']) {
      expect(await lax.check(url)).toMatchObject({ kind: 'refusal' });
    }
  });
});
