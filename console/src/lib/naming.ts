// Naming: what events speak of by ids, in the words that people use for it.

import { gameWords, marketWords } from './format';
import type { Games } from './games.svelte';
import texts from '../texts/notices';

/** A market in words, with its game: total of 901 Tampa Bay Rays at Baltimore Orioles. */
export function marketOfGame(games: Games, id: string): string {
  const game = games.of(id);
  return game ? texts.marketOf(marketWords(id, game.sport), gameWords(game, id)) : id;
}

/** What a layer of suspension closes: the game, the market, the side, everything. */
export function subjectWords(games: Games, scope: string, subject: string): string {
  if (scope === 'all') return texts.everything;
  if (scope === 'fixture') return gameWords(games.of(subject), subject);
  if (scope === 'market') return marketOfGame(games, subject);
  if (scope === 'selection') {
    const [id = '', side = ''] = subject.split('/');
    return texts.sideOf(side, marketOfGame(games, id));
  }
  if (scope === 'feed') return texts.posts(subject);
  if (scope === 'silence') return texts.hadPosted(subject);
  return `${scope} ${subject.replaceAll('_', ' ')}`;
}

/** Outcomes of a game by the teams' names: Baltimore Orioles by 4 to 6, 9 or more. */
export function outcomeWords(games: Games, market: string, outcome: string): string {
  const game = games.of(market);
  return game ? outcome.replace(/\b(away|home)\b/g, (side) => (side === 'away' ? game.away : game.home)) : outcome;
}
