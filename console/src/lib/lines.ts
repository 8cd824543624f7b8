// Lines: how a book's own line follows from the house's (the engine's rule is in `domain/lines.py`), and why a market is closed.

import { offer, points } from './format';
import type { Fixture, Market } from './page.svelte';
import texts from '../texts/lines';

const EVEN = 100;
const FARTHEST = 1_000_000 - EVEN;

/** An American price moved by cents along the dime scale, up for the player: -105 and 10 give +105. */
export function shaded(price: string, cents: number): string {
  const number = Number(price);
  const at = Math.max(-FARTHEST, Math.min((number > 0 ? number - EVEN : number + EVEN) + cents, FARTHEST));
  return at >= 0 ? `+${at + EVEN}` : `${at - EVEN}`;
}

/** How far an American price is from even money, up for the player: -105 stands at -5. */
const fromEven = (price: string): number => Number(price) - Math.sign(Number(price)) * EVEN;

/** Prices once one of them is what is wanted: the other one moves the opposite way, so that the hold stays. All are American. */
export function countered(prices: readonly string[], at: number, wanted: string): string[] {
  const by = fromEven(wanted) - fromEven(prices[at] ?? '');
  return prices.map((text, side) => (side === at ? wanted : prices.length === 2 ? shaded(text, -by) : text));
}

/** An American price as the engine has it, of what somebody has typed (−115, EV); "" if it is none. */
export function americanOf(typed: string): string {
  const text = typed.trim().replace('−', '-');
  if (/^(ev|even|pk)$/i.test(text)) return `+${EVEN}`;
  return /^[+-]\d{3,6}$/.test(text) ? text : '';
}

export interface Line {
  line: number | null;
  prices: string[];
}

export interface Departure {
  mode: string;
  offset_quarters: number;
  offset_cents: number;
  line_quarters: number | null;
  prices: string[];
}

/** What the house has in a market, whatever the book has made of it. */
export function houseLine(one: Market): Line {
  const own = one.departure;
  return own ? { line: own.house_line_quarters, prices: own.house_prices } : { line: one.line_quarters, prices: one.prices };
}

/** What the book offers if it departs from the house like this; null: nothing. */
export function departed(house: Line, how: Departure): Line | null {
  if (how.mode === 'hide') return null;
  if (how.mode === 'lock') return { line: how.line_quarters, prices: how.prices };
  if (how.mode === 'follow') return house;
  const [first, second] = house.prices;
  const prices = how.offset_cents && first && second ? [shaded(first, -how.offset_cents), shaded(second, how.offset_cents)] : house.prices;
  return { line: house.line === null ? null : house.line + how.offset_quarters, prices };
}

const SIDES: Record<string, string[]> = { total: ['over', 'under'], three_way: ['away', 'home', 'draw'] };

/** The sides of a kind of market, visitor or over first. */
export const sidesOf = (kind: string): string[] => SIDES[kind] ?? ['away', 'home'];

/** Both sides, visitor or over first: o9½ −118 / u9½ −103. */
export function both(one: Pick<Market, 'kind' | 'sides'>, line: Line | null): string {
  return line ? one.sides.map((side, at) => offer(one.kind, side, line.line, line.prices[at] ?? '')).join(' / ') : texts.offBoard;
}

/** How the book departs from the house: locked, +½ and −5 cents, off the board; "" where it follows. */
export function departureWords(one: Market): string {
  const own = one.departure;
  if (!own) return '';
  if (own.mode === 'lock') return texts.locked;
  if (own.mode === 'hide') return texts.hidden;
  const parts = [own.offset_quarters ? points(own.offset_quarters, true) : '', own.offset_cents ? texts.cents(own.offset_cents > 0 ? '+' : '−', Math.abs(own.offset_cents)) : ''];
  return texts.offset(parts.filter(Boolean));
}

/** Why something takes no wagers, from the layer that closes it. */
export function closedWords(closedBy: string): string {
  const [scope = '', ...rest] = closedBy.split(' ');
  const subject = rest.join(' ');
  if (scope === 'line') return texts.own[subject] ?? closedBy;
  return texts.closed[scope]?.(subject) ?? closedBy.replaceAll('_', ' ');
}

/** Why a side takes no wagers; "" if it does. */
export function sideClosed(one: Market, side: string): string {
  if (!one.open) return closedWords(one.closed_by);
  return one.closed_sides.includes(side) ? texts.sideSuspended : '';
}

/** What closes which part of a game: one reason for all of it, or each market with its own. */
export function gameClosed(row: Fixture, name: (one: Market) => string): string {
  const reasons = row.markets.map((one) => (one.open ? '' : closedWords(one.closed_by)));
  if (row.markets.length && reasons[0] && reasons.every((reason) => reason === reasons[0])) return reasons[0];
  return row.markets
    .map((one, at) => (reasons[at] ? `${name(one)} ${reasons[at]}` : one.closed_sides.length ? texts.sidesSuspended(name(one), one.closed_sides) : ''))
    .filter(Boolean)
    .join('; ');
}
