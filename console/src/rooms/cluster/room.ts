import Network from '@lucide/svelte/icons/network';
import texts from '../../texts/cluster';
import type { Room } from '../room';

export const room: Room = {
  id: 'cluster',
  title: texts.title,
  icon: Network,
  place: 85,
  letter: 'k',
  may: (page) => page.may('cluster_view'),
  load: () => import('./Cluster.svelte'),
};
