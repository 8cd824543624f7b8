// Voiding: what is asked to void a ticket, and what it comes to in words.

import type { Action } from '../../lib/actions.svelte';
import { amount, count } from '../../lib/format';
import texts from '../../texts/ticker';

/** The dialog that voids a ticket. */
export function voiding(ticket: { number: number; player: string; selection: string; risk_minor: number }, reason = ''): Action {
  const { number, player, selection } = ticket;
  const risk = amount(ticket.risk_minor);
  return {
    title: texts.voidTitle(count(number)),
    about: texts.voidAbout(player, selection, risk),
    command: 'VoidWager',
    fields: [],
    make: () => ({ wager: number }),
    tell: (told) => (told.type === 'WagerVoided' ? texts.voidTold(count(number), player, risk) : ''),
    reason,
  };
}
