// What is meant by the words of a command: a player by their number, a game by one of its rotation numbers.

import { ask } from './api';
import type { Fixture, LivePage, PlayerRow } from './page.svelte';
import texts from '../texts/commands';

/** A player by account number, whatever the case; a string says that there is none. */
export async function playerOf(page: LivePage, word: string | undefined): Promise<PlayerRow | string> {
  if (!word) return texts.whichPlayer;
  const near = page.players.find((one) => one.player.toLowerCase() === word.toLowerCase());
  if (near) return near;
  const found = await ask<PlayerRow>('players', { player: word, limit: 1 }).catch(() => null);
  return found?.items[0] ?? texts.noPlayer(word);
}

/** A game by a rotation number: the visitor's or the home team's. */
export function gameOfNumber(page: LivePage, word: string | undefined): Fixture | string {
  const number = Number(word);
  if (!word || !Number.isInteger(number)) return texts.whichGame;
  return page.fixtures.find((one) => one.rotation === number || one.rotation + 1 === number) ?? texts.noGame(word);
}
