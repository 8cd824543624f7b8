// Commands that are no room's own: what is done to one ticket, one market, one user, in one line.

import type { Command } from '../../lib/commands';
import { ask, type Schemas } from '../../lib/api';
import { movingTo } from '../../lib/movingto';
import { revoking } from '../../lib/revoking';
import { gameOfNumber } from '../../lib/wanted';
import texts from '../../texts/commands';
import { voiding } from '../ticker/voiding';

export const commands: Command[] = [
  {
    name: 'void',
    wants: texts.wants.ticket,
    about: texts.void,
    may: (page) => page.isBook && page.may('wager_void'),
    read: async ([word = '', ...why]) => {
      const number = Number(word.replace('#', '').replaceAll(',', ''));
      if (!Number.isInteger(number) || number <= 0) return texts.whichTicket;
      const found = await ask<Schemas['WagerRow']>('wagers', { after: number + 1, limit: 1 });
      const ticket = found.items.find((one) => one.number === number);
      return ticket ? { ...voiding(ticket, why.join(' ')), look: true } : texts.noTicket(word);
    },
  },
  {
    name: 'move',
    wants: texts.wants.line,
    about: texts.move,
    may: (page) => page.isBook && page.may('line_move') && page.me.node === 'root',
    read: ([word, ...rest], page) => {
      const game = gameOfNumber(page, word);
      return typeof game === 'string' ? game : movingTo(page, game, Number(word), rest);
    },
  },
  ...(['revoke', 'restore'] as const).map((name): Command => ({
    name,
    wants: texts.wants.user,
    about: texts[name],
    may: (page) => page.may('roles_manage'),
    read: async ([word = '', ...why]) => {
      if (!word) return texts.whichUser;
      const found = await ask<Schemas['UserRow']>('users', { limit: 1_000 });
      const user = found.items.find((one) => one.user.toLowerCase() === word.toLowerCase());
      if (!user) return texts.noUser(word);
      if (user.active !== (name === 'revoke')) return texts.alreadySo(user.user, user.active);
      return { ...revoking(user, why.join(' ')), look: true };
    },
  })),
];
