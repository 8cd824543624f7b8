import History from '@lucide/svelte/icons/history';
import { count } from '../../lib/format';
import rooms from '../../texts/rooms';
import texts from '../../texts/log';
import type { ObjectKind, Room } from '../room';

const seesLog: ObjectKind['may'] = (page) => page.may('log_view');

export const room: Room = {
  id: 'log',
  title: rooms.log,
  icon: History,
  place: 70,
  letter: 'l',
  may: seesLog,
  load: () => import('./Log.svelte'),
};

export const objects: ObjectKind[] = [
  { kind: 'entry', title: (id) => texts.entry(/^\d+$/.test(id) ? count(Number(id)) : id), may: seesLog, load: () => import('./Entry.svelte') },
];
