// Crediting: what is asked to change a player's credit limit, and what it comes to in words.

import type { Action } from './actions.svelte';
import { amount, minorOf } from './format';
import type { PlayerRow } from './page.svelte';

/** The dialog that changes a player's credit limit. limit, reason: what is written already. */
export function crediting(row: PlayerRow, limit = (row.credit_limit_minor / 100).toFixed(2), reason = ''): Action {
  return {
    title: `Credit of ${row.player}`,
    about: `Now ${amount(row.credit_limit_minor)}; pending ${amount(row.pending_minor)}, balance ${amount(row.balance_minor)}.`,
    command: 'AdjustCredit',
    fields: [{ name: 'limit', label: 'New credit limit', kind: 'amount', value: limit }],
    make: (values) => {
      const minor = minorOf(values.limit ?? '');
      return typeof minor === 'string' ? minor : { player: row.player, credit_limit_minor: minor };
    },
    tell: (event) => {
      if (event.type !== 'CreditAdjusted') return '';
      const [before, after] = [Number(event.before_minor), Number(event.after_minor)];
      return `Credit limit of ${row.player}: ${amount(before)} → ${amount(after)}; available ${amount(row.available_minor)} → ${amount(row.available_minor + after - before)}`;
    },
    reason,
  };
}
