// Moving a line: what is asked, beginning with what stands, and what it comes to in words.

import type { Action } from './actions.svelte';
import type { Happened } from './api';
import { lineText, marketWords, points, price, quartersOf } from './format';
import { both, departed, departureWords, houseLine, type Departure } from './lines';
import type { Fixture, Market } from './page.svelte';

const STEP = 2;
const FARTHEST = 12;

/** The offsets in points that can be chosen: by halves, and the one that stands. */
function offsets(standing: number): { value: string; label: string }[] {
  const values = new Set([standing]);
  for (let quarters = -FARTHEST; quarters <= FARTHEST; quarters += STEP) values.add(quarters);
  return [...values].sort((a, b) => a - b).map((value) => ({ value: String(value), label: value ? points(value, true) : 'none' }));
}

/** The line as the house's own field has it: the home handicap, or the total. */
export function typedLine(one: Market, line: number | null): string {
  return line === null ? '' : lineText(one.kind, 'home', line).replace(/^[ou]/, '');
}

/** The dialog that moves a market of a game. current: the market as it is by the time that somebody reads. */
export function moving(row: Fixture, one: Market, current: () => Market): Action {
  const own = one.departure;
  const house = houseLine(one);
  const [first = '', second = ''] = one.kind === 'total' ? ['over', 'under'] : [row.away, row.home];
  const name = marketWords(one.market, row.sport);
  const locked = (values: Record<string, string>) => values.mode === 'lock';
  const shifted = (values: Record<string, string>) => values.mode === 'offset';
  const american = house.prices.length === 2 && house.prices.every((text) => /^[+-]/.test(text));
  const words = departureWords(one);

  function tell(event: Happened): string {
    if (event.type !== 'LineMoved') return '';
    const now = current();
    const after = event.after as Departure;
    const from = now.closed_by.startsWith('line') ? 'off the board' : both(now, { line: now.line_quarters, prices: now.prices });
    const to = both(now, departed(houseLine(now), after));
    const how = after.mode === 'lock' ? ' (locked)' : after.mode === 'follow' ? ' (as the house)' : '';
    return `The ${name} of ${row.rotation} ${row.away} at ${row.home}: ${from} → ${to}${how}`;
  }

  return {
    title: `Move the ${name} of ${row.rotation} ${row.away} at ${row.home}`,
    about: own
      ? `${own.mode === 'hide' ? 'Off the board' : `Now ${both(one, { line: one.line_quarters, prices: one.prices })}`}, ${words}. The house has ${own.house_open ? both(one, house) : 'it off the board'}.`
      : `Now ${both(one, house)}, as the house.`,
    command: 'MoveLine',
    fields: [
      {
        name: 'mode',
        label: 'How',
        kind: 'choice',
        // Who opens a market that is off the board wants it back.
        value: own === null || own === undefined ? 'offset' : own.mode === 'hide' ? 'follow' : own.mode,
        choices: [
          { value: 'offset', label: 'an offset on the house, which moves with it' },
          { value: 'lock', label: 'lock our own line' },
          { value: 'follow', label: own?.mode === 'hide' ? 'back on the board, as the house' : 'as the house' },
          { value: 'hide', label: 'take it off the board' },
        ],
      },
      ...(house.line === null
        ? []
        : [{
            name: 'quarters',
            label: one.kind === 'spread' ? `Points on the handicap of ${row.home}` : 'Points on the total',
            kind: 'choice' as const,
            value: String(own?.offset_quarters ?? 0),
            choices: offsets(own?.offset_quarters ?? 0),
            when: shifted,
          }]),
      ...(american
        ? [{
            name: 'cents',
            label: `Cents better for ${second}, worse for ${first} (below 0: the other way)`,
            kind: 'number' as const,
            value: String(own?.offset_cents ?? 0),
            when: shifted,
          }]
        : []),
      ...(one.line_quarters === null
        ? []
        : [{
            name: 'line',
            label: one.kind === 'spread' ? `Handicap of ${row.home}` : 'Total',
            kind: 'text' as const,
            value: typedLine(one, one.line_quarters),
            when: locked,
          }]),
      ...one.sides.map((side, at) => ({
        name: `price-${side}`,
        label: `Price on ${[first, second][at] ?? side}`,
        kind: 'text' as const,
        value: price(one.prices[at] ?? ''),
        when: locked,
      })),
    ],
    make: (values) => {
      if (values.mode === 'lock') {
        const quarters = one.line_quarters === null ? null : quartersOf(values.line ?? '');
        if (one.line_quarters !== null && quarters === null) return 'Write a line such as -1.5, 8½ or PK.';
        const prices = Object.fromEntries(one.sides.map((side) => [side, (values[`price-${side}`] ?? "").trim().replace("−", "-")]));
        return { market: one.market, mode: 'lock', line_quarters: quarters, prices };
      }
      if (values.mode !== 'offset') return { market: one.market, mode: values.mode };
      const cents = Number((values.cents ?? '0').trim().replace('−', '-') || NaN);
      if (!Number.isInteger(cents)) return 'Cents: write a whole number such as 5 or -10.';
      return { market: one.market, mode: 'offset', offset_quarters: Number(values.quarters ?? 0), offset_cents: cents };
    },
    tell,
    reason: '',
  };
}
