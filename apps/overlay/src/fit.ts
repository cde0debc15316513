/** The largest letters that a config can ask for then fit into the smallest source. */
const LEAST = 0.02;
const STEPS = 16;

/** Makes an alert as small as it must be to stand whole inside the room. Lengths of the card are multiples of `--fit`. */
export function fit(alert: HTMLElement, room: HTMLElement): void {
  alert.style.removeProperty('--fit');
  const [width, height] = [room.clientWidth, room.clientHeight];
  for (let step = 0, share = 1; step < STEPS && share > LEAST; step += 1) {
    const excess = Math.max(alert.offsetHeight / height, alert.offsetWidth / width, sticksOut(alert));
    if (!(excess > 1)) return;
    // Smaller letters make both shorter lines and fewer of them.
    share = Math.max(LEAST, share * Math.min(0.97, 1 / Math.sqrt(excess)));
    alert.style.setProperty('--fit', share.toFixed(4));
  }
}

/** How much wider a word is than its card. */
function sticksOut(alert: HTMLElement): number {
  const card = alert.firstElementChild;
  return card === null ? 1 : card.scrollWidth / Math.max(1, card.clientWidth);
}
