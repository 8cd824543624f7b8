import LayoutList from '@lucide/svelte/icons/layout-list';
import { gameWords } from '../../lib/format';
import type { LivePage } from '../../lib/page.svelte';
import rooms from '../../texts/rooms';
import type { Action, AtOnce } from '../../lib/actions.svelte';
import type { Command } from '../../lib/commands';
import { maySuspendBoard, reopening, suspending } from '../../lib/protect';
import { gameOfNumber } from '../../lib/wanted';
import commandTexts from '../../texts/commands';
import texts from '../../texts/shell';
import type { ObjectKind, Room } from '../room';

export const room: Room = {
  id: 'board',
  title: rooms.board,
  icon: LayoutList,
  place: 10,
  letter: 'b',
  tab: true,
  may: (page) => page.may('board_view'),
  load: () => import('./Board.svelte'),
};

export const objects: ObjectKind[] = [
  {
    kind: 'game',
    title: (id: string, page: LivePage) => gameWords(page.games.of(id), id),
    may: (page) => page.may('board_view'),
    load: () => import('./Game.svelte'),
  },
];

/** A layer by what somebody writes: a rotation number, a league, or nothing for everything. */
function layer(word: string | undefined, page: LivePage, make: (scope: string, subject: string, name: string) => Action | AtOnce): Action | AtOnce | string {
  if (!word || word.toLowerCase() === 'all') return make('all', '', texts.everything);
  const league = page.fixtures.find((one) => one.league.toLowerCase() === word.toLowerCase())?.league;
  if (league) return make('league', league, league);
  const game = gameOfNumber(page, word);
  return typeof game === 'string' ? game : make('fixture', game.fixture, gameWords(game, game.fixture));
}

export const commands: Command[] = [
  { name: 'suspend', wants: commandTexts.wants.layer, about: commandTexts.suspend, may: maySuspendBoard, read: ([word], page) => (word ? layer(word, page, suspending) : commandTexts.suspendWhat) },
  { name: 'reopen', wants: commandTexts.wants.layer, about: commandTexts.reopen, may: maySuspendBoard, read: ([word, ...why], page) => layer(word, page, (scope, subject, name) => reopening(scope, subject, name, why.join(' '))) },
];
