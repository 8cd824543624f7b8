import Scale from '@lucide/svelte/icons/scale';
import rooms from '../../texts/rooms';
import type { Room } from '../room';

export const room: Room = {
  id: 'risk',
  title: rooms.risk,
  icon: Scale,
  place: 20,
  letter: 'r',
  may: (page) => page.isBook && page.may('figures_view'),
  load: () => import('./Risk.svelte'),
};
