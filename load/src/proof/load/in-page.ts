/* What runs in pages before anything of their own. */

/** How many times sooner than for viewers an alert has passed. */
const PACE = 40;

/**
 * An alert that was drawn passes sooner. Everything else takes the time that it takes: links and their back-off, the disk, the
 * frame in which an alert is first seen. So a line of alerts is as fast as a test needs it, and a page as slow as it is.
 */
export const HURRY = `
  let drawn = null;
  const alert = () => document.querySelector('[data-alert]');
  const frame = window.requestAnimationFrame;
  window.requestAnimationFrame = (run) => frame((time) => {
    drawn = alert();
    run(time);
  });
  const wait = window.setTimeout;
  window.setTimeout = (run, ms = 0) => wait(run, drawn !== null && drawn === alert() ? ms / ${String(PACE)} : ms);
`;

/**
 * Tells of each alert when the browser draws it, once, and whether it goes on from a former life; and when it has left. What was in a document
 * that ended before its next frame was on no screen.
 */
export const WATCH = `
  const present = new Set();
  const drawnOnce = new Set();
  const tell = (alert) => {
    if (!alert.isConnected) return;
    drawnOnce.add(alert);
    const { tipId = '', tips = '1', resumed } = alert.dataset;
    // A test is nobody's money.
    if (!tipId.startsWith('test-')) void window.proofShown(tipId, tips, alert.textContent, resumed !== undefined);
  };
  const look = () => {
    for (const alert of document.querySelectorAll('[data-alert]')) {
      if (present.has(alert)) continue;
      present.add(alert);
      frame(() => tell(alert));
    }
    for (const alert of present) {
      if (alert.isConnected) continue;
      present.delete(alert);
      if (drawnOnce.delete(alert)) void window.proofGone();
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
`;

/** What answers of the gateway bring, as it comes; of a stream whole events, of anything else all at once. */
export const LISTEN = `
  const ask = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await ask(...asked);
    const { pathname } = new URL(answer.url);
    if (answer.ok && pathname.startsWith('/overlay')) void follow(pathname, answer.clone().body.getReader()).catch(() => undefined);
    return answer;
  };
  const follow = async (path, reader) => {
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      const end = done ? text.length : text.lastIndexOf('\\n\\n') + 1;
      if (end > 0) void window.proofHeard(path, text.slice(0, end));
      text = text.slice(end);
      if (done) return;
    }
  };
`;

/** What some company networks do. */
export const NO_SOCKETS = `
  window.WebSocket = new Proxy(window.WebSocket, {
    construct() {
      throw new DOMException('no sockets here', 'NetworkError');
    },
  });
`;
