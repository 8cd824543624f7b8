import History from '@lucide/svelte/icons/history';
import rooms from '../../texts/rooms';
import type { Room } from '../room';

export const room: Room = {
  id: 'log',
  title: rooms.log,
  icon: History,
  place: 70,
  letter: 'l',
  may: (page) => page.may('log_view'),
  load: () => import('./Log.svelte'),
};
