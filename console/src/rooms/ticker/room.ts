import ScrollText from '@lucide/svelte/icons/scroll-text';
import { count } from '../../lib/format';
import rooms from '../../texts/rooms';
import texts from '../../texts/ticker';
import type { ObjectKind, Room } from '../room';

export const room: Room = {
  id: 'ticker',
  title: rooms.ticker,
  icon: ScrollText,
  place: 30,
  letter: 't',
  may: (page) => page.isBook && page.may('ticker_view'),
  load: () => import('./Ticker.svelte'),
};

export const objects: ObjectKind[] = [
  {
    kind: 'ticket',
    title: (id) => texts.ticket(/^\d+$/.test(id) ? count(Number(id)) : id),
    may: (page) => page.isBook && page.may('ticker_view'),
    load: () => import('./Ticket.svelte'),
  },
];
