import Users from '@lucide/svelte/icons/users';
import type { Action } from '../../lib/actions.svelte';
import { ask } from '../../lib/api';
import type { Command } from '../../lib/commands';
import { crediting } from '../../lib/crediting';
import { settingLarge, type LargeRow } from '../../lib/large';
import { moneying } from '../../lib/moneying';
import type { PlayerRow } from '../../lib/page.svelte';
import { playerOf } from '../../lib/wanted';
import texts from '../../texts/commands';
import rooms from '../../texts/rooms';
import type { ObjectKind, Room } from '../room';

const seesPeople: ObjectKind['may'] = (page) => page.isBook && page.may('figures_view');

export const room: Room = {
  id: 'people',
  title: rooms.people,
  icon: Users,
  place: 50,
  letter: 'p',
  may: seesPeople,
  load: () => import('./People.svelte'),
};

export const objects: ObjectKind[] = [
  { kind: 'player', title: (id) => id, may: seesPeople, load: () => import('./Player.svelte') },
  { kind: 'agent', title: (id) => id, may: seesPeople, load: () => import('./Agent.svelte') },
  { kind: 'user', title: (id) => id, may: (page) => page.isBook && page.may('roles_manage'), load: () => import('./User.svelte') },
];

/** What changes a player's money: PLAYER AMOUNT, and why. */
function money(name: string, about: string, needs: string, action: (row: PlayerRow, typed: string, why: string) => Action): Command {
  return {
    name,
    wants: texts.wants.money,
    about,
    may: (page) => page.isBook && page.may(needs),
    read: async ([player, typed, ...why], page) => {
      const row = await playerOf(page, player);
      return typeof row === 'string' ? row : { ...action(row, typed ?? '', why.join(' ')), look: typed !== undefined };
    },
  };
}

export const commands: Command[] = [
  money('credit', texts.credit, 'credit_change', (row, typed, why) => crediting(row, typed || undefined, why)),
  money('receipt', texts.receipt, 'transaction_enter', (row, typed, why) => moneying('receipt', row, typed, why)),
  money('disburse', texts.disburse, 'transaction_enter', (row, typed, why) => moneying('disbursement', row, typed, why)),
  money('adjust', texts.adjust, 'transaction_enter', (row, typed, why) => moneying('adjustment', row, typed, why)),
  {
    name: 'large',
    wants: texts.wants.large,
    about: texts.large,
    may: (page) => page.isBook && page.may('settings_change') && page.may('ticker_view'),
    read: async ([node, typed, ...why]) => {
      if (!node) return texts.whichAgent;
      const found = await ask<LargeRow>('large_wagers', { node }).catch(() => null);
      const row = found?.items[0];
      return row ? { ...settingLarge(row, typed, why.join(' ')), look: typed !== undefined } : texts.noAgent(node);
    },
  },
];
