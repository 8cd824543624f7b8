// Naming: what events speak of by ids, in the words that people use for it.

import { gameWords, marketWords } from './format';
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
