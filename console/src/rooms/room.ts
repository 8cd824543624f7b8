// What a room is, and what lies in the drawer: a folder here with a `room.ts` brings them, and they are there.

import type { Component } from 'svelte';
import type { Desk } from '../lib/actions.svelte';
import type { LivePage } from '../lib/page.svelte';

/** What every room is given. */
export interface RoomProps {
  page: LivePage;
  desk: Desk;
}

/** What every page of the drawer is given. id: whose; part: which of its pages ("" the first). */
export interface ObjectProps extends RoomProps {
  id: string;
  part: string;
}

export type Icon = Component<{ size?: number; 'aria-hidden'?: boolean }>;

export interface Room {
  /** Its address: #/board. */
  id: string;
  title: string;
  icon: Icon;
  /** Its place among the rooms. */
  place: number;
  /** The letter that goes there, after g. */
  letter: string;
  /** Whether it is one of the phone's tabs. */
  tab?: boolean;
  may: (page: LivePage) => boolean;
  load: () => Promise<{ default: Component<RoomProps> }>;
}

export interface ObjectKind {
  /** Its address begins so: #/player/… */
  kind: string;
  /** What it is called in the drawer's head. */
  title: (id: string, page: LivePage) => string;
  may: (page: LivePage) => boolean;
  load: () => Promise<{ default: Component<ObjectProps> }>;
}
