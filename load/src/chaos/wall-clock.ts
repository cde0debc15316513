/*
 * The wall clock of this process, which can be made to jump as an operator or a time server does it. Timers and `performance` go on as they
 * do then: they count, they do not look at the clock. Imported before everything else.
 */
const SystemDate = Date;
let shiftMs = 0;

const now = (): number => SystemDate.now() + shiftMs;

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made) as Date,
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});

export function jumpClock(ms: number): void {
  shiftMs += ms;
}
