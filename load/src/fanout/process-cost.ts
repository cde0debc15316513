import { readFileSync } from 'node:fs';
import { cpuSeconds } from '../contender.js';

const KIB = 1024;
const PAGE = 4096;

/** Processor time of a server's processes so far, microseconds. */
export const cpuMicroseconds = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid) * 1e6, 0);

/** Resident memory of a server's processes, bytes. */
export const residentBytes = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + kilobytes(`/proc/${String(pid)}/status`, 'VmRSS') * KIB, 0);

/** What the kernel holds for all sockets of this machine, both ends of each: its slabs and the buffers of TCP. */
export function kernelBytes(): number {
  const pages = /^TCP: .* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1];
  return kilobytes('/proc/meminfo', 'Slab') * KIB + Number(pages ?? 0) * PAGE;
}

function kilobytes(file: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN);
}
