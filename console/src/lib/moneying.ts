// Money that changed hands: what is asked to book a receipt, a disbursement or an adjustment, and what it comes to in words.

import type { Action } from './actions.svelte';
import { amount, minorOf } from './format';
import type { PlayerRow } from './page.svelte';
import deeds from '../texts/deeds';

export type Kind = 'receipt' | 'disbursement' | 'adjustment';

const texts = deeds.money;

/** Minor units of an amount that may be below 0 where it is an adjustment, or why it is none. */
function signed(kind: Kind, typed: string): number | string {
  const below = kind === 'adjustment' && /^\s*[-−]/.test(typed);
  const minor = minorOf(below ? typed.replace(/^\s*[-−]/, '') : typed);
  return typeof minor === 'string' || !below ? minor : -minor;
}

/** The dialog that books money between a player and their agent. typed, description: what is written already. */
export function moneying(kind: Kind, row: PlayerRow, typed = '', description = ''): Action {
  return {
    title: texts.of(texts.title[kind], row.player),
    about: texts.now(texts.about[kind], amount(row.balance_minor)),
    command: 'EnterTransaction',
    // An adjustment may be below 0, which an amount is not.
    fields: [{ name: 'amount', label: texts.amount, kind: kind === 'adjustment' ? 'number' : 'amount', value: typed }],
    make: (values) => {
      const minor = signed(kind, values.amount ?? '');
      return typeof minor === 'string' ? minor : { player: row.player, kind, amount_minor: minor };
    },
    tell: (event) => {
      if (event.type !== 'TransactionEntered') return '';
      const change = Number(event.change_minor);
      return texts.told(row.player, amount(row.balance_minor), amount(row.balance_minor + change), amount(row.available_minor), amount(row.available_minor + change));
    },
    reason: description,
    reasonField: 'description',
  };
}
