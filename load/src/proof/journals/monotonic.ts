/** Milliseconds of CLOCK_MONOTONIC: the same in every process of this machine, and no clock that anybody sets can move it. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
