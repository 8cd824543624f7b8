// Steps: what one press makes of a price in hand, by a key or by a button.

import type { Departure } from '../../lib/lines';
import type { Market } from '../../lib/page.svelte';
import texts from '../../texts/board';
import { following, hidden, leaned, locked, offered, shadedAlone, shifted } from './draft';

const CENTS = 5;
/** Half a point, in quarters. */
const HALF = 2;

export interface Step {
  press: string;
  says: string;
  /** What stands on its button. */
  shows: string;
  /** What would be; null where the market has nothing to move by it. */
  make: (one: Market, how: Departure, at: number) => Departure | null;
  /** Whether it moves points, which some markets have not. */
  points?: boolean;
}

const says = texts.steps;

export const STEPS: readonly Step[] = [
  { press: 'ArrowUp', says: says.up, shows: '+5', make: (one, how, at) => leaned(one, how, at, CENTS) },
  { press: 'ArrowDown', says: says.down, shows: '−5', make: (one, how, at) => leaned(one, how, at, -CENTS) },
  { press: 'Shift+ArrowUp', says: says.upAlone, shows: '⇧+5', make: (one, how, at) => shadedAlone(one, how, at, CENTS) },
  { press: 'Shift+ArrowDown', says: says.downAlone, shows: '⇧−5', make: (one, how, at) => shadedAlone(one, how, at, -CENTS) },
  { press: 'Alt+ArrowUp', says: says.halfUp, shows: '+½', points: true, make: (one, how, at) => shifted(one, how, at, HALF) },
  { press: 'Alt+ArrowDown', says: says.halfDown, shows: '−½', points: true, make: (one, how, at) => shifted(one, how, at, -HALF) },
  { press: 'l', says: says.lock, shows: texts.lock, make: (one, how) => locked(offered(one, how)) },
  { press: 'h', says: says.hide, shows: texts.hide, make: hidden },
  { press: 'f', says: says.follow, shows: texts.follow, make: following },
];
