import Gauge from '@lucide/svelte/icons/gauge';
import rooms from '../../texts/rooms';
import type { Room } from '../room';

export const room: Room = {
  id: 'system',
  title: rooms.system,
  icon: Gauge,
  place: 80,
  letter: 's',
  may: (page) => page.may('figures_view'),
  load: () => import('./Strip.svelte'),
};
