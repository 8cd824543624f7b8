import Flag from '@lucide/svelte/icons/flag';
import rooms from '../../texts/rooms';
import type { Room } from '../room';

export const room: Room = {
  id: 'results',
  title: rooms.results,
  icon: Flag,
  place: 60,
  letter: 'r',
  tab: true,
  // Games and their results are the house's; a book takes them as they come.
  may: (page) => !page.isBook && page.may('board_view') && (page.may('result_enter') || page.may('result_confirm')),
  load: () => import('./Results.svelte'),
};
