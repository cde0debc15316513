import type { Connect } from './crowd-orders.js';

export type Manners = Pick<Connect, 'protocol' | 'ready' | 'isBinary'>;

/** A server under load, with all that the crowd must know of it. */
export interface RunningServer {
  readonly port: number;
  /** Processes whose cost is counted; what brings the messages to them (Redis, a publisher) is not. */
  readonly pids: readonly number[];
  readonly manners: Manners;
  door(room: number): Connect['doors'][number];
  /** To all sockets of the room. The text has no line break. */
  publish(room: number, text: string): void;
  stop(): Promise<void>;
}

export interface FanServer {
  readonly name: string;
  /** What it is, with its version. */
  readonly what: string;
  start(rooms: number): Promise<RunningServer>;
}

/** A peer's program that is not installed here. */
export interface Absent {
  readonly name: string;
  readonly why: string;
}

export const roomName = (room: number): string => `r${String(room)}`;
