// What the live stream tells: entries of the log, what is worth a notification, how the engine is.

import type { Happened } from './api';

/** A side that was taken, at its line and price. */
export interface Taken {
  market: string;
  side: string;
  line_quarters: number | null;
  price: string;
}

export interface Entry {
  seq: number;
  at_ns: number;
  actor: string;
  command: string;
  event: Happened;
  /** Of a ticket, what stands on it: in words all that was taken, at its line and price. What ends one says also where it stands. */
  ticket?: { risk_minor: number; win_minor: number; selection: string; agent?: string; sport?: string; channel?: string; legs?: Taken[] };
}

export interface Notice extends Entry {
  stream: string;
  kind: string;
}

export interface Condition {
  part: string;
  subject: string;
  level: 'degraded' | 'failing';
  reason: string;
  since_ns: number;
}

/** How the engine is. Volumes (accepted, refused, logged, screens) are told to the house's staff only. */
export interface Health {
  accepted?: number;
  refused?: number;
  logged?: number;
  screens?: number;
  recoveries: number;
  commit_ms_p50: number;
  commit_ms_p99: number;
  answer_ms_p99: number;
  delivery_ms_p99: number;
  loop_ms_p99: number;
  slow: string[];
  conditions: Condition[];
  server_ns: number;
}
