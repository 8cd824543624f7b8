// Crediting: what is asked to change a player's credit limit, and what it comes to in words.

import type { Action } from './actions.svelte';
import { amount, minorOf } from './format';
import type { PlayerRow } from './page.svelte';
import deeds from '../texts/deeds';

const texts = deeds.credit;

/** The dialog that changes a player's credit limit. limit, reason: what is written already. */
export function crediting(row: PlayerRow, limit = (row.credit_limit_minor / 100).toFixed(2), reason = ''): Action {
  return {
    title: texts.title(row.player),
    about: texts.about(amount(row.credit_limit_minor), amount(row.pending_minor), amount(row.balance_minor)),
    command: 'AdjustCredit',
    fields: [{ name: 'limit', label: texts.limit, kind: 'amount', value: limit }],
    make: (values) => {
      const minor = minorOf(values.limit ?? '');
      return typeof minor === 'string' ? minor : { player: row.player, credit_limit_minor: minor };
    },
    tell: (event) => {
      if (event.type !== 'CreditAdjusted') return '';
      const [before, after] = [Number(event.before_minor), Number(event.after_minor)];
      return texts.told(row.player, amount(before), amount(after), amount(row.available_minor), amount(row.available_minor + after - before));
    },
    reason,
  };
}
