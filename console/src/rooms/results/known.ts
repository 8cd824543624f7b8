// Known: a game as the desk for results sees it, and how it stands in words.

import type { Page, Schemas } from '../../lib/api';
import type { Score } from '../../lib/games.svelte';
import type { Fixture } from '../../lib/page.svelte';
import { askAll } from '../../lib/whole';
import texts from '../../texts/results';
import { sameScore, scoreWords } from './score';

/** A game that has begun, or is over: what was entered last, what is official. */
export interface Item {
  fixture: string;
  league: string;
  sport: string;
  rotation: number;
  away: string;
  home: string;
  start_ns: number;
  status: string;
  postponed_ns: number | null;
  revision: number;
  entered: Score | null;
  confirmed: Score | null;
}

export const ROWS = 1_000;

/** Whether a score was entered that nobody has confirmed. */
export const isOwed = (item: Item): boolean => !!item.entered && !sameScore(item.entered, item.confirmed);

/** In which state a game is: one of texts.states. */
export function stateOf(item: Item): string {
  if (item.status === 'cancelled') return 'cancelled';
  if (isOwed(item)) return item.status === 'final' ? 'correction' : 'entered';
  if (item.status === 'final') return 'final';
  if (item.postponed_ns) return 'postponed';
  return item.confirmed ? 'going' : 'open';
}

/** Its score: what was entered last. */
export function scoreText(item: Item): string {
  const score = item.entered ?? item.confirmed;
  return score ? scoreWords(score) : '';
}

/** The games that wait for their final result, the oldest first. */
export async function waitingGames(at_least: number): Promise<Page<Item>> {
  const found = await askAll<Schemas['AwaitingRow']>('awaiting', { limit: ROWS, at_least });
  return { ...found, items: found.items.map((row) => ({ ...row, status: 'closed' })) };
}

/** The games that are over, the newest first. */
export async function knownGames(at_least: number): Promise<Page<Item>> {
  const [final, cancelled, results] = await Promise.all([
    askAll<Fixture>('board', { limit: ROWS, status: 'final', at_least }, ROWS),
    askAll<Fixture>('board', { limit: ROWS, status: 'cancelled', at_least }, ROWS),
    askAll<Schemas['ResultRow']>('results', { limit: ROWS, at_least }),
  ]);
  const known = new Map(results.items.map((one) => [one.fixture, one]));
  const items = [...final.items, ...cancelled.items].map((game) => itemOf(game, known.get(game.fixture), null));
  return { position: results.position, items: items.sort((a, b) => b.start_ns - a.start_ns || a.rotation - b.rotation), next: final.next || cancelled.next };
}

export function itemOf(game: Fixture, result: Schemas['ResultRow'] | undefined, postponed_ns: number | null): Item {
  const { fixture, league, sport, rotation, away, home, start_ns, status } = game;
  return { fixture, league, sport, rotation, away, home, start_ns, status, postponed_ns, revision: result?.revision ?? 0, entered: result?.entered ?? null, confirmed: result?.confirmed ?? null };
}

/** What an item's state is called. */
export const stateWords = (item: Item): string => texts.states[stateOf(item)] ?? '';
