// Deeds: what is done about a game that is not played as it should be, or is over by mistake; each with what it comes to in words.

import type { Action } from '../../lib/actions.svelte';
import type { Happened } from '../../lib/api';
import { dayAndTime, marketWords } from '../../lib/format';
import type { Score } from '../../lib/games.svelte';
import texts from '../../texts/results';
import { scoreWords } from './score';

const before = (event: Happened) => (event.before ? scoreWords(event.before as Score) : '');

const TOLD: Record<string, (event: Happened, game: string) => string> = {
  FixturePostponed: (_, game) => texts.told.postponed(game),
  FixtureResumed: (_, game) => texts.told.resumed(game),
  FixtureRescheduled: (event, game) => texts.told.rescheduled(game, dayAndTime(Number(event.before_ns)), dayAndTime(Number(event.after_ns))),
  FixtureCancelled: (event, game) => texts.told.cancelled(game, before(event)),
  FixtureReopened: (event, game) => texts.told.reopened(game, before(event) || (texts.states[String(event.status)] ?? '')),
  WagersLetStand: (event, game) => (event.stand ? texts.told.stand(game) : texts.told.unstand(game)),
  WindowNearing: (event) => texts.told.near(marketsWords(event.markets as string[]), dayAndTime(Number(event.voids_ns))),
};

/** Markets of one game in words. */
export function marketsWords(markets: readonly string[]): string {
  return markets.map((one) => marketWords(one)).join(', ');
}

type Deed = keyof typeof texts.deeds;

const COMMANDS: Record<Deed, string> = {
  postpone: 'PostponeFixture',
  resume: 'ResumeFixture',
  reschedule: 'RescheduleFixture',
  cancel: 'CancelFixture',
  reopen: 'ReopenFixture',
  stand: 'LetWagersStand',
  unstand: 'LetWagersStand',
};

/** The dialog that does it. game: in words. */
export function doing(deed: Deed, fixture: string, game: string): Action {
  return {
    title: `${texts.deeds[deed]}: ${game}`,
    about: texts.abouts[deed],
    command: COMMANDS[deed],
    fields: deed === 'reschedule' ? [{ name: 'start', label: texts.start, kind: 'text', value: '' }] : [],
    make: (values) => {
      if (deed === 'stand' || deed === 'unstand') return { fixture, stand: deed === 'stand' };
      if (deed !== 'reschedule') return { fixture };
      const typed = values.start?.trim() ?? '';
      const at = /^\d{4}-\d{2}-\d{2}[ T]\d{1,2}:\d{2}$/.test(typed) ? new Date(typed.replace(' ', 'T').replace(/T(\d):/, 'T0$1:')) : null;
      return at && !Number.isNaN(at.getTime()) ? { fixture, start_ns: at.getTime() * 1e6 } : texts.noStart;
    },
    tell: (event) => TOLD[event.type]?.(event, game) ?? '',
    reason: '',
  };
}
