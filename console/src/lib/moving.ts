// Moving a line: what is asked, beginning with what stands, and what it comes to in words.

import type { Action } from './actions.svelte';
import type { Happened } from './api';
import { gameWords, lineText, marketWords, points, price, quartersOf } from './format';
import { both, departed, departureWords, houseLine, type Departure } from './lines';
import type { Fixture, Market } from './page.svelte';
import deeds from '../texts/deeds';

const texts = deeds.line;

const STEP = 2;
const FARTHEST = 12;

/** The offsets in points that can be chosen: by halves, and the one that stands. */
function offsets(standing: number): { value: string; label: string }[] {
  const values = new Set([standing]);
  for (let quarters = -FARTHEST; quarters <= FARTHEST; quarters += STEP) values.add(quarters);
  return [...values].sort((a, b) => a - b).map((value) => ({ value: String(value), label: value ? points(value, true) : texts.none }));
}

/** The line as the house's own field has it: the home handicap, or the total. */
export function typedLine(one: Market, line: number | null): string {
  return line === null ? '' : lineText(one.kind, 'home', line).replace(/^[ou]/, '');
}

/** The dialog that moves a market of a game. current: the market as it is by the time that somebody reads. */
export function moving(row: Fixture, one: Market, current: () => Market): Action {
  const own = one.departure;
  const house = houseLine(one);
  const [first = '', second = ''] = one.kind === 'total' ? [texts.over, texts.under] : [row.away, row.home];
  const name = marketWords(one.market, row.sport);
  const locked = (values: Record<string, string>) => values.mode === 'lock';
  const shifted = (values: Record<string, string>) => values.mode === 'offset';
  const american = house.prices.length === 2 && house.prices.every((text) => /^[+-]/.test(text));
  const words = departureWords(one);
  const game = gameWords(row, row.fixture);

  function tell(event: Happened): string {
    if (event.type !== 'LineMoved') return '';
    const now = current();
    const after = event.after as Departure;
    const from = now.closed_by.startsWith('line') ? texts.off : both(now, { line: now.line_quarters, prices: now.prices });
    const to = both(now, departed(houseLine(now), after));
    const how = after.mode === 'lock' ? texts.locked : after.mode === 'follow' ? texts.asHouse : '';
    return texts.told(texts.of(name, game), from, to, how);
  }

  return {
    title: texts.title(name, game),
    about: own
      ? texts.aboutOwn(own.mode === 'hide' ? texts.offNow : texts.now(both(one, { line: one.line_quarters, prices: one.prices })), words, own.house_open ? both(one, house) : texts.houseOff)
      : texts.nowAsHouse(both(one, house)),
    command: 'MoveLine',
    fields: [
      {
        name: 'mode',
        label: texts.how,
        kind: 'choice',
        // Who opens a market that is off the board wants it back.
        value: own === null || own === undefined ? 'offset' : own.mode === 'hide' ? 'follow' : own.mode,
        choices: [
          { value: 'offset', label: texts.offset },
          { value: 'lock', label: texts.lock },
          { value: 'follow', label: own?.mode === 'hide' ? texts.back : texts.follow },
          { value: 'hide', label: texts.hide },
        ],
      },
      ...(house.line === null
        ? []
        : [{
            name: 'quarters',
            label: one.kind === 'spread' ? texts.pointsOf(row.home) : texts.points,
            kind: 'choice' as const,
            value: String(own?.offset_quarters ?? 0),
            choices: offsets(own?.offset_quarters ?? 0),
            when: shifted,
          }]),
      ...(american
        ? [{
            name: 'cents',
            label: texts.cents(second, first),
            kind: 'number' as const,
            value: String(own?.offset_cents ?? 0),
            when: shifted,
          }]
        : []),
      ...(one.line_quarters === null
        ? []
        : [{
            name: 'line',
            label: one.kind === 'spread' ? texts.handicap(row.home) : texts.total,
            kind: 'text' as const,
            value: typedLine(one, one.line_quarters),
            when: locked,
          }]),
      ...one.sides.map((side, at) => ({
        name: `price-${side}`,
        label: texts.price([first, second][at] ?? side),
        kind: 'text' as const,
        value: price(one.prices[at] ?? ''),
        when: locked,
      })),
    ],
    make: (values) => {
      if (values.mode === 'lock') {
        const quarters = one.line_quarters === null ? null : quartersOf(values.line ?? '');
        if (one.line_quarters !== null && quarters === null) return texts.noLine;
        const prices = Object.fromEntries(one.sides.map((side) => [side, (values[`price-${side}`] ?? "").trim().replace("−", "-")]));
        return { market: one.market, mode: 'lock', line_quarters: quarters, prices };
      }
      if (values.mode !== 'offset') return { market: one.market, mode: values.mode };
      const cents = Number((values.cents ?? '0').trim().replace('−', '-') || NaN);
      if (!Number.isInteger(cents)) return texts.noCents;
      return { market: one.market, mode: 'offset', offset_quarters: Number(values.quarters ?? 0), offset_cents: cents };
    },
    tell,
    reason: '',
  };
}
