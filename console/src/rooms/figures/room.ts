import Sigma from '@lucide/svelte/icons/sigma';
import rooms from '../../texts/rooms';
import type { Room } from '../room';

export const room: Room = {
  id: 'figures',
  title: rooms.figures,
  icon: Sigma,
  place: 40,
  letter: 'f',
  tab: true,
  may: (page) => page.isBook && page.may('figures_view'),
  load: () => import('./Figures.svelte'),
};
