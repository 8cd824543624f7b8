// Large wagers: from which risk on one is large at a node, in words, and what is asked to set it.

import type { Action } from './actions.svelte';
import type { Schemas } from './api';
import { amount, minorOf } from './format';
import texts from '../texts/large';

export type LargeRow = Schemas['LargeWagerRow'];

/** What counts from an amount on, in words. */
export function largeWords(minor: number): string {
  return minor ? texts.from(amount(minor)) : texts.none;
}

/** The dialog that sets from where on a wager is large at a node. typed, reason: what is written already. */
export function settingLarge(row: LargeRow, typed = row.own_minor === null ? '' : (row.own_minor / 100).toFixed(2), reason = ''): Action {
  const words = (own: unknown) => (own === null ? texts.as(largeWords(row.above_minor), row.node) : largeWords(Number(own)));
  return {
    title: texts.of(row.node),
    about: texts.about(row.node, largeWords(row.above_minor)),
    command: 'SetLargeWager',
    // Nothing may be written, which is no amount.
    fields: [{ name: 'least', label: texts.least, kind: 'number', value: typed }],
    make: ({ least = '' }) => {
      const minor = least.trim() ? minorOf(least) : null;
      return typeof minor === 'string' ? `${texts.least}: ${minor}` : { node: row.node, least_minor: minor };
    },
    tell: (event) => (event.type === 'LargeWagerSet' ? texts.told(row.node, words(event.before_minor), words(event.after_minor)) : ''),
    reason,
  };
}
