import { jumpClock } from '../../chaos/wall-clock.js';

/*
 * `node --import clock-shift.js?<milliseconds>`: the wall clock of this process is wrong by that much from its first moment. Timers and
 * `performance` go on as they do when an operator sets a clock.
 */
const ms = Number(new URL(import.meta.url).search.slice(1));
jumpClock(ms);
console.error(`clock shifted by ${String(ms)} ms`);
