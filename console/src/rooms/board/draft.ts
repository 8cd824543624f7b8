// Drafts: how a book's line would depart from the house after a press, or after what somebody has typed.

import { points, price, quartersOf } from '../../lib/format';
import { americanOf, countered, departed, houseLine, shaded, type Departure, type Line } from '../../lib/lines';
import type { Market } from '../../lib/page.svelte';

const FOLLOWS: Departure = { mode: 'follow', offset_quarters: 0, offset_cents: 0, line_quarters: null, prices: [] };
/** A number is a price from here on, and points below. */
const PRICES_FROM = 100;

/** How the book departs from the house now. */
export function standing(one: Market): Departure {
  const own = one.departure;
  if (!own) return FOLLOWS;
  if (own.mode === 'lock') return locked({ line: one.line_quarters, prices: one.prices });
  return { ...FOLLOWS, mode: own.mode, offset_quarters: own.offset_quarters, offset_cents: own.offset_cents };
}

export const same = (a: Departure, b: Departure): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What would be offered; what is off the board has what the house has. */
export function offered(one: Market, how: Departure): Line {
  return departed(houseLine(one), how) ?? houseLine(one);
}

const american = (prices: readonly string[]): boolean => prices.every((text) => /^[+-]/.test(text));

function offset(quarters: number, cents: number): Departure {
  return quarters || cents ? { ...FOLLOWS, mode: 'offset', offset_quarters: quarters, offset_cents: cents } : FOLLOWS;
}

export function locked(line: Line): Departure {
  return { ...FOLLOWS, mode: 'lock', line_quarters: line.line, prices: line.prices };
}

/** One side so many cents better for the player, the other as many worse, so that the hold stays. null: these prices have no cents. */
export function leaned(one: Market, how: Departure, at: number, cents: number): Departure | null {
  const { line, prices } = offered(one, how);
  if (prices.length !== 2 || !american(prices)) return null;
  if (how.mode === 'lock') return locked({ line, prices: prices.map((text, side) => shaded(text, side === at ? cents : -cents)) });
  const own = how.mode === 'hide' ? FOLLOWS : how;
  return offset(own.offset_quarters, own.offset_cents + (at === 1 ? cents : -cents));
}

/** One side alone so many cents better: a line of the book's own. */
export function shadedAlone(one: Market, how: Departure, at: number, cents: number): Departure | null {
  const { line, prices } = offered(one, how);
  if (!american(prices)) return null;
  return locked({ line, prices: prices.map((text, side) => (side === at ? shaded(text, cents) : text)) });
}

/** The points of a side moved by quarters: of a handicap the other side's go the other way, of a total both go along. */
export function shifted(one: Market, how: Departure, at: number, quarters: number): Departure | null {
  const { line, prices } = offered(one, how);
  if (line === null) return null;
  const by = one.kind === 'spread' && at === 0 ? -quarters : quarters;
  if (how.mode === 'lock') return locked({ line: line + by, prices });
  const own = how.mode === 'hide' ? FOLLOWS : how;
  return offset(own.offset_quarters + by, own.offset_cents);
}

/** What is written of a side, such as -3½ -115, 9 -115, -115: its line and its price; the other side's price goes against it.
 * A string says what is wrong. */
export function written(one: Market, how: Departure, at: number, text: string, wrong: (example: string) => string): Departure | string {
  const now = offered(one, how);
  const example = now.line === null ? '-115' : one.kind === 'total' ? '8½ -115' : '-1½ -115';
  let line = now.line;
  let prices = now.prices;
  for (const word of text.trim().replaceAll('−', '-').split(/\s+/).filter(Boolean)) {
    const plain = word.replace(/^[ou](?=\d)/i, '');
    const quarters = quartersOf(plain);
    if (line !== null && quarters !== null && Math.abs(quarters) < PRICES_FROM * 4) {
      line = one.kind === 'spread' && at === 0 ? -quarters || 0 : quarters;
      continue;
    }
    const wanted = americanOf(plain);
    if (!wanted || !american(prices)) return wrong(example);
    prices = countered(prices, at, wanted);
  }
  return locked({ line, prices });
}

/** What begins a field: what the side has now, as somebody would write it. */
export function writable(one: Market, how: Departure, at: number): string {
  const { line, prices } = offered(one, how);
  const own = line === null ? '' : one.kind === 'spread' ? points(at === 0 ? -line : line, true) : points(line, false);
  return `${own} ${price(prices[at] ?? '')}`.trim();
}

/** The command's fields that make it so. */
export function asked(one: Market, how: Departure): Record<string, unknown> {
  if (how.mode === 'lock') {
    return { market: one.market, mode: 'lock', line_quarters: how.line_quarters, prices: Object.fromEntries(one.sides.map((side, at) => [side, how.prices[at] ?? ''])) };
  }
  if (how.mode === 'offset') return { market: one.market, mode: 'offset', offset_quarters: how.offset_quarters, offset_cents: how.offset_cents };
  return { market: one.market, mode: how.mode };
}

/** How a draft is to the house, in words: locked, +½ and −5 cents, as the house. */
export function manner(how: Departure, texts: { lock: string; follow: string; hide: string; offset: (parts: string) => string }): string {
  if (how.mode === 'lock') return texts.lock;
  if (how.mode === 'hide') return texts.hide;
  if (how.mode === 'follow') return texts.follow;
  const parts = [how.offset_quarters ? points(how.offset_quarters, true) : '', how.offset_cents ? `${how.offset_cents > 0 ? '+' : '−'}${Math.abs(how.offset_cents)}¢` : ''];
  return texts.offset(parts.filter(Boolean).join(', '));
}

export const following = (): Departure => FOLLOWS;
export const hidden = (): Departure => ({ ...FOLLOWS, mode: 'hide' });
