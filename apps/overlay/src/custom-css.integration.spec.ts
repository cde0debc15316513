import { describe, expect, it } from 'vitest';
import { alertOf, until, useTheatre } from './testing/overlay-theatre.js';

const theatre = useTheatre();

/** Runs in the page when it has loaded: a source's Custom CSS, in each way in which OBS has put it in. */
function wear({ letters, words, indent }: Record<'letters' | 'words' | 'indent', string>): void {
  const head = document.querySelector('head');
  // Until 2019: a style sheet in a data URL.
  const link = document.createElement('link');
  link.setAttribute('rel', 'stylesheet');
  link.setAttribute('type', 'text/css');
  link.setAttribute('href', `data:text/css;charset=utf-8;base64,${btoa(letters)}`);
  head?.appendChild(link);
  // Up to OBS 30.2: the markup of a style element.
  const older = document.createElement('style');
  older.innerHTML = decodeURIComponent(encodeURIComponent(words));
  head?.appendChild(older);
  // Since OBS 31: its text.
  const newer = document.createElement('style');
  newer.appendChild(document.createTextNode(decodeURIComponent(encodeURIComponent(indent))));
  head?.appendChild(newer);
}

const CSS = {
  letters: '.alert .name { letter-spacing: 7px }',
  words: `
    /* <b>Big</b> names, and the sign itself in a value. */
    .alert > .card .name { word-spacing: 5px; quotes: "<b>" "&" }
    body { background: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E") }
  `,
  indent: '.alert .name { text-indent: 3px }',
};

/* Plain http is another kind of context, where browsers withhold things. */
describe.each(['http://127.0.0.1', 'http://overlay.test'])('the Custom CSS of an OBS source (%s)', (host) => {
  it('is worn under the policy of the real servers, in each way in which OBS has put it in', async () => {
    theatre.gateway.allowsCustomCss = true;
    const page = await theatre.context.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    await theatre.visit(page, theatre.gateway.origin.replace('http://127.0.0.1', host));
    await page.evaluate(wear, CSS);
    await alertOf(page, theatre.tip().tipId).waitFor();
    const worn = await page.locator('[data-alert] .name').evaluate((name) => {
      const { letterSpacing, wordSpacing, textIndent, quotes } = getComputedStyle(name);
      return [letterSpacing, wordSpacing, textIndent, quotes, getComputedStyle(document.body).backgroundImage.slice(0, 9)];
    });
    expect(worn).toEqual(['7px', '5px', '3px', '"<b>" "&"', 'url("data']);
    expect([said, theatre.gateway.violations]).toEqual([[], []]);
  });

  it('is all that text can become: neither markup nor code', async () => {
    theatre.gateway.allowsCustomCss = true;
    const page = await theatre.context.newPage();
    await theatre.visit(page, theatre.gateway.origin.replace('http://127.0.0.1', host));
    const refused = await page.evaluate(async () => {
      const box = document.createElement('div');
      box.id = 'box';
      document.body.append(box);
      box.innerHTML = '<img src="/nobody" onerror="document.title = 1"><style>*{color:red}</style>&lt;b>';
      box.insertAdjacentHTML('beforeend', '<iframe srcdoc="x"></iframe>');
      const attempts: (() => unknown)[] = [
        () => Object.assign(document.createElement('script'), { src: '/overlay/assets/any.js' }),
        () => Object.assign(document.createElement('script'), { text: 'document.title = 2' }),
        () => {
          box.setAttribute('onclick', 'document.title = 3');
        },
        // eslint-disable-next-line @typescript-eslint/no-implied-eval -- that it does not run is what is tested
        () => setTimeout('document.title = 4'),
        // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return -- likewise
        () => new Function('document.title = 5')(),
      ];
      // Not in this turn: whoever drives a browser from outside is let do more.
      await new Promise((resolve) => setTimeout(resolve));
      return attempts.map((attempt) => {
        try {
          attempt();
          return 'ran';
        } catch (error) {
          return error instanceof Error ? error.name : 'refused';
        }
      });
    });
    expect(refused).toEqual(['TypeError', 'TypeError', 'TypeError', 'TypeError', 'EvalError']);
    const left = await page.evaluate(() => [document.title, document.querySelectorAll('#box *').length]);
    expect(left).toEqual(['Droppio overlay', 0]);
    expect(theatre.gateway.requests.filter((url) => url.includes('nobody'))).toEqual([]);
    await until(() => theatre.gateway.violations.length > 0);
  });
});
