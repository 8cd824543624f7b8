// Finding: what people type (A1021, 911, Orioles, 4120), and what on this page is called like that.

import uFuzzy from '@leeoniya/ufuzzy';
import { ask, type Schemas } from './api';
import { amount, count, gameWords } from './format';
import type { LivePage } from './page.svelte';
import { href, roomHref } from './router.svelte';
import { kinds, roomsOf } from '../rooms';

export interface Found {
  kind: string;
  title: string;
  about: string;
  href: string;
}

const fuzzy = new uFuzzy({ intraMode: 1 });
/** Whoever begins so means the number of a ticket, and none of a game. */
const TICKET = '#';
const MOST = 12;
const INFOS = 2_000;

/** All that can be found by its name, without asking the server. */
export function named(page: LivePage): Found[] {
  const found: Found[] = roomsOf(page).map((room) => ({ kind: 'room', title: room.title, about: `g ${room.letter}`, href: roomHref(room.id) }));
  if (page.may('board_view')) {
    for (const game of page.fixtures) found.push({ kind: 'game', title: gameWords(game, game.fixture), about: `${game.rotation + 1} ${game.league}`, href: href('game', game.fixture) });
  }
  if (page.isBook && page.may('figures_view')) {
    for (const row of page.agents) if (row.agent !== 'root') found.push({ kind: 'agent', title: row.agent, about: `${count(row.open_wagers)} open`, href: href('agent', row.agent) });
    for (const row of page.players) found.push({ kind: 'player', title: row.player, about: `${row.agent}, available ${amount(row.available_minor)}`, href: href('player', row.player) });
  }
  return found;
}

/** Those that are called like what was typed, the likeliest first. */
export function called(all: readonly Found[], typed: string): Found[] {
  const wanted = typed.trim();
  if (!wanted) return all.filter((one) => one.kind === 'room');
  if (wanted.startsWith(TICKET)) return [];
  const [places, info, order] = fuzzy.search(all.map((one) => `${one.title} ${one.kind === 'game' ? one.about : ''}`), wanted, 0, INFOS);
  const likely = (order && info ? order.map((place) => info.idx[place] ?? -1) : (places ?? []).slice(0, MOST)).flatMap((place) => all[place] ?? []);
  // Who types a whole name wants that, and not one like it.
  const same = likely.filter((one) => one.title.toLowerCase() === wanted.toLowerCase());
  return [...same, ...likely.filter((one) => !same.includes(one))].slice(0, MOST);
}

/** What the server finds of what was typed: everything that this user may see, by how it begins. */
export async function foundOf(typed: string): Promise<Found[]> {
  const ticket = typed.trim().startsWith(TICKET);
  const text = typed.trim().replace(TICKET, '');
  if (!text) return [];
  const { items } = await ask<Schemas['Hit']>('find', { text, limit: MOST });
  return items.filter((one) => kinds.has(one.kind) && (!ticket || one.kind === 'ticket')).map((one) => ({ kind: one.kind, title: titled(one), about: aboutOf(one), href: href(one.kind, one.name) }));
}

function titled({ kind, name, title }: Schemas['Hit']): string {
  return kind === 'game' ? title : kind === 'ticket' ? `#${count(Number(name))}` : name;
}

function aboutOf({ kind, title, node, player, status }: Schemas['Hit']): string {
  const parts = kind === 'game' ? [status] : kind === 'ticket' ? [player, title, status] : [title, node, status === 'active' ? '' : status];
  return parts.filter(Boolean).join(', ').replaceAll('_', ' ');
}
