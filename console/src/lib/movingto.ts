// Moving to: a line that is written out (`911 total 9 -115`), locked as the book's own.

import type { Action } from './actions.svelte';
import { quartersOf } from './format';
import { americanOf, countered, departureWords, sidesOf } from './lines';
import { moving, typedLine } from './moving';
import type { Fixture, LivePage, Market } from './page.svelte';
import texts from '../texts/commands';

const KINDS: Record<string, string> = { spread: 'spread', run: 'spread', puck: 'spread', total: 'total', money: 'moneyline', moneyline: 'moneyline', ml: 'moneyline' };

/** The dialog that locks a market where somebody has written it, seen from the side of the rotation number that they wrote: of a total,
 * the visitor's is over. The other side's price moves the opposite way, so that the hold stays. A string says what is missing. */
export function movingTo(page: LivePage, game: Fixture, rotation: number, words: readonly string[]): Action | string {
  const [first = '', ...rest] = words;
  const kind = KINDS[first.toLowerCase()];
  if (!kind) return texts.whichMarket;
  const find = () => page.fixtures.find((one) => one.fixture === game.fixture)?.markets.find((one) => one.kind === kind && one.period === 'game');
  const market = find();
  if (!market) return texts.noMarket(first);
  const at = rotation === game.rotation ? 0 : 1;
  const side = sidesOf(kind)[at] ?? '';
  const hasLine = kind !== 'moneyline';
  const typed = hasLine ? quartersOf((rest[0] ?? '').replace(/^[ou]/i, '')) : null;
  if (hasLine && typed === null) return texts.whichLine;
  const [priced = '', ...why] = hasLine ? rest.slice(1) : rest;
  // The market's line is the home side's.
  const line = typed !== null && kind === 'spread' && side === 'away' ? -typed : typed;
  const prices = pricesFor(market, side, priced);
  if (typeof prices === 'string') return prices;
  return locked(game, market, () => find() ?? market, line, prices, why.join(' '));
}

/** Both prices, by side, once one of them is what was written; as they stand if nothing was. */
function pricesFor(market: Market, side: string, written: string): Record<string, string> | string {
  if (!written) return named(market, market.prices);
  if (!market.prices.every((one) => /^[+-]/.test(one))) return texts.american;
  const wanted = americanOf(written);
  return wanted ? named(market, countered(market.prices, market.sides.indexOf(side), wanted)) : texts.whichPrice;
}

/** Prices by the names of their sides. */
const named = (market: Market, prices: readonly string[]): Record<string, string> => Object.fromEntries(market.sides.map((one, place) => [one, prices[place] ?? '']));

function locked(game: Fixture, market: Market, current: () => Market, line: number | null, prices: Record<string, string>, reason: string): Action {
  const action = moving(game, market, current);
  const values: Record<string, string> = { mode: 'lock', line: typedLine(market, line), ...Object.fromEntries(Object.entries(prices).map(([side, price]) => [`price-${side}`, price])) };
  const fields = action.fields.map((field) => ({ ...field, value: values[field.name] ?? field.value }));
  return { ...action, about: departureWords(market) ? action.about : texts.lockedAsOurs(action.about), fields, reason, look: true };
}
