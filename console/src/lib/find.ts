// Finding: what people type (A1021, 911, Orioles, 4120), and what on this page is called like that.

import uFuzzy from '@leeoniya/ufuzzy';
import { count, gameWords, amount } from './format';
import type { LivePage } from './page.svelte';
import { href, roomHref } from './router.svelte';
import { roomsOf } from '../rooms';

export interface Found {
  kind: string;
  title: string;
  about: string;
  href: string;
}

const fuzzy = new uFuzzy({ intraMode: 1 });
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
  if (wanted.startsWith('#')) return [];
  if (!wanted) return all.filter((one) => one.kind === 'room');
  const [places, info, order] = fuzzy.search(all.map((one) => `${one.title} ${one.kind === 'game' ? one.about : ''}`), wanted, 0, INFOS);
  const likely = (order && info ? order.map((place) => info.idx[place] ?? -1) : (places ?? []).slice(0, MOST)).flatMap((place) => all[place] ?? []);
  // Who types a whole name wants that, and not one like it.
  const same = likely.filter((one) => one.title.toLowerCase() === wanted.toLowerCase());
  return [...same, ...likely.filter((one) => !same.includes(one))].slice(0, MOST);
}

/** A ticket by its number, with or without its sign. */
export function ticketOf(page: LivePage, typed: string): Found | null {
  const found = /^#?([\d,]{1,15})$/.exec(typed.trim());
  const number = Number(found?.[1]?.replaceAll(',', '') ?? 0);
  if (!number || !page.isBook || !page.may('ticker_view')) return null;
  return { kind: 'ticket', title: `#${count(number)}`, about: '', href: href('ticket', number) };
}
