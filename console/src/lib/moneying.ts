// Money that changed hands: what is asked to book a receipt, a disbursement or an adjustment, and what it comes to in words.

import type { Action } from './actions.svelte';
import { amount, minorOf } from './format';
import type { PlayerRow } from './page.svelte';

export type Kind = 'receipt' | 'disbursement' | 'adjustment';

const ABOUT: Record<Kind, string> = {
  receipt: 'The player has paid: the balance goes up.',
  disbursement: 'The player has been paid: the balance goes down.',
  adjustment: 'From the player’s side: above 0 the balance goes up, below 0 down.',
};

/** Minor units of an amount that may be below 0 where it is an adjustment, or why it is none. */
function signed(kind: Kind, typed: string): number | string {
  const below = kind === 'adjustment' && /^\s*[-−]/.test(typed);
  const minor = minorOf(below ? typed.replace(/^\s*[-−]/, '') : typed);
  return typeof minor === 'string' || !below ? minor : -minor;
}

/** The dialog that books money between a player and their agent. typed, description: what is written already. */
export function moneying(kind: Kind, row: PlayerRow, typed = '', description = ''): Action {
  return {
    title: `${kind.charAt(0).toUpperCase()}${kind.slice(1)}, ${row.player}`,
    about: `${ABOUT[kind]} Balance now ${amount(row.balance_minor)}.`,
    command: 'EnterTransaction',
    // An adjustment may be below 0, which an amount is not.
    fields: [{ name: 'amount', label: 'Amount', kind: kind === 'adjustment' ? 'number' : 'amount', value: typed }],
    make: (values) => {
      const minor = signed(kind, values.amount ?? '');
      return typeof minor === 'string' ? minor : { player: row.player, kind, amount_minor: minor };
    },
    tell: (event) => {
      if (event.type !== 'TransactionEntered') return '';
      const change = Number(event.change_minor);
      return `Balance of ${row.player}: ${amount(row.balance_minor)} → ${amount(row.balance_minor + change)}; available ${amount(row.available_minor)} → ${amount(row.available_minor + change)}`;
    },
    reason: description,
    reasonField: 'description',
  };
}
