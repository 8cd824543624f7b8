// All rooms and all kinds of objects, from the folders beside this file. Nothing is written down twice: a room that is there is found.

import type { Command } from '../lib/commands';
import type { LivePage } from '../lib/page.svelte';
import type { ObjectKind, Room } from './room';

interface Found {
  room?: Room;
  objects?: ObjectKind[];
  commands?: Command[];
}

const found = Object.values(import.meta.glob<Found>('./*/room.ts', { eager: true }));

export const rooms: readonly Room[] = found.flatMap((one) => (one.room ? [one.room] : [])).sort((a, b) => a.place - b.place);
export const kinds: ReadonlyMap<string, ObjectKind> = new Map(found.flatMap((one) => one.objects ?? []).map((one) => [one.kind, one]));
export const commands: readonly Command[] = found.flatMap((one) => one.commands ?? []).sort((a, b) => a.name.localeCompare(b.name));

/** The rooms of whoever is signed in. */
export function roomsOf(page: LivePage): readonly Room[] {
  return rooms.filter((room) => room.may(page));
}
