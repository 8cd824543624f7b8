// A line's history: what the book offered on a market from when on, as it follows from what the house posted and how the book departed.

import type { Happened } from './api';
import { departed, type Departure, type Line } from './lines';

export interface Told {
  at_ns: number;
  stream: string;
  seq: number;
  actor: string;
  event: Happened;
}

export interface Step extends Told {
  /** What the book offered from then on; null: nothing. */
  line: Line | null;
}

const FOLLOWS: Departure = { mode: 'follow', offset_quarters: 0, offset_cents: 0, line_quarters: null, prices: [] };

/** Each thing that became of a line, the last first, with what was offered from then on. told: the last first. */
export function steps(told: readonly Told[]): Step[] {
  let house: Line | null = null;
  let how = FOLLOWS;
  return told
    .toReversed()
    .map((one) => {
      const { event } = one;
      if (event.type === 'LinePosted') house = { line: event.line_quarters as number | null, prices: event.prices as string[] };
      else if (event.type === 'LineWithdrawn') house = null;
      else if (event.type === 'LineMoved') how = event.after as Departure;
      return { ...one, line: how.mode === 'lock' ? departed(house ?? { line: null, prices: [] }, how) : house && departed(house, how) };
    })
    .reverse();
}
