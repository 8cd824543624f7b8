// Naming: what events speak of by ids, in the words that people use for it.

import { amount, gameWords, marketWords } from './format';
import type { Happened } from './api';
import type { Games } from './games.svelte';

const GAME_SCOPES = new Set(['fixture', 'market', 'selection']);

/** The game that an event is about, or "". */
export function gameOf(event: Happened): string {
  const found = event.fixture ?? event.market ?? (GAME_SCOPES.has(String(event.scope)) ? event.subject : '');
  return typeof found === 'string' ? (found.split(':')[0] ?? '') : '';
}

/** A market in words, with its game: total of 901 Tampa Bay Rays at Baltimore Orioles. */
export function marketOfGame(games: Games, id: string): string {
  const game = games.of(id);
  return game ? `${marketWords(id, game.sport)} of ${gameWords(game, id)}` : id;
}

/** What a layer of suspension closes: the game, the market, the side, everything. */
export function subjectWords(games: Games, scope: string, subject: string): string {
  if (scope === 'all') return 'everything';
  if (scope === 'fixture') return gameWords(games.of(subject), subject);
  if (scope === 'market') return marketOfGame(games, subject);
  if (scope === 'selection') {
    const [id = '', side = ''] = subject.split('/');
    return `${side}, ${marketOfGame(games, id)}`;
  }
  if (scope === 'feed') return `what ${subject} posts`;
  if (scope === 'silence') return `what ${subject} had posted`;
  return `${scope} ${subject.replaceAll('_', ' ')}`;
}

/** Outcomes of a game by the teams' names: Baltimore Orioles by 4 to 6, 9 or more. */
export function outcomeWords(games: Games, market: string, outcome: string): string {
  const game = games.of(market);
  return game ? outcome.replace(/\b(away|home)\b/g, (side) => (side === 'away' ? game.away : game.home)) : outcome;
}

const NOT_SHOWN = new Set(['type', 'credits', 'debits']);
const FIELDS_MAX = 6;

/** An event's fields on one line; ids of games and markets in words. */
export function fieldsWords(games: Games, event: Happened): string {
  return Object.entries(event)
    .filter(([key, value]) => !NOT_SHOWN.has(key) && value !== null && value !== '' && typeof value !== 'object' && !(key === 'fixture' && 'market' in event) && !(key === 'subject' && 'scope' in event))
    .slice(0, FIELDS_MAX)
    .map(([key, value]) => {
      if (key.endsWith('_minor') && typeof value === 'number') return `${key.replace(/_minor$/, '').replaceAll('_', ' ')} ${amount(value)}`;
      if (key === 'fixture') return gameWords(games.of(String(value)), String(value));
      if (key === 'market') return marketOfGame(games, String(value));
      if (key === 'scope') return subjectWords(games, String(value), String(event.subject ?? ''));
      return `${key.replaceAll('_', ' ')} ${value}`;
    })
    .join(' · ');
}
