import type { Clock } from '@droppio/tips';

/** Whoever opens the page in a browser of their own has seen it by then, and on a stream it must not stay. */
const NOTE_MS = 20_000;

/** Browsers let a page sound after a click only. OBS does not ask for one, so there nothing is said. Once for each page. */
export function offerSound(document: Document, clock: Clock): void {
  const note = document.getElementById('sound-note');
  if (note === null || navigator.userActivation.hasBeenActive || note.dataset['offered'] !== undefined) return;
  note.dataset['offered'] = '';
  note.hidden = false;
  const over = new AbortController();
  const clicked = (): void => {
    over.abort();
  };
  for (const gesture of ['pointerdown', 'keydown']) document.addEventListener(gesture, clicked, { once: true });
  void clock.sleep(NOTE_MS, over.signal).then(() => {
    note.hidden = true;
  });
}
