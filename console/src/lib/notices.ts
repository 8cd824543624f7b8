// Notices: what somebody should look at, in words.

import { amount, dayAndTime, gameWords, marketWords, words } from './format';
import { both, sidesOf } from './lines';
import type { Happened } from './api';
import type { Games } from './games.svelte';
import { marketOfGame, subjectWords } from './naming';
import type { Notice } from './entries';
import texts from '../texts/notices';

/** What each kind of notification is called. */
export const KINDS = texts.kinds;

const checks = (event: Happened, field: string) => (event[field] as string[]).map((one) => texts.checks[one] ?? one).join(', ');

/** The line that an event has posted: both sides. */
function posted(event: Happened): string {
  const kind = String(event.kind);
  return both({ kind, sides: sidesOf(kind) }, { line: event.line_quarters as number | null, prices: event.prices as string[] });
}

const WORDS: Record<string, (event: Happened, market: string, game: string, kind: string) => string> = {
  WagerPlaced: (event) => texts.wager(String(event.player), amount(Number(event.risk_minor))),
  LineHeld: (event, market) => texts.held(market, posted(event), checks(event, 'reasons')),
  LinePosted: (event, market, _, kind) =>
    kind === 'locked_line' ? texts.ours(market, posted(event)) : texts.stands(market, posted(event), checks(event, 'tripped')),
  LineRefused: (event, market) => texts.refused(market, String(event.why)),
  LineWithdrawn: (_, market) => texts.oursAlone(market),
  FixturePostponed: (_, __, game) => texts.postponed(game),
  FixtureResumed: (_, __, game) => texts.resumed(game),
  FixtureReopened: (_, __, game) => texts.reopened(game),
  WagersLetStand: (event, _, game) => texts.letStand(game, Boolean(event.stand)),
  WindowNearing: (event, _, game) => texts.nearing(waiting(event), game, dayAndTime(Number(event.voids_ns))),
  WindowLifted: (_, __, game) => texts.lifted(game),
  WindowEnded: (event, _, game) => texts.ended(waiting(event), game),
  LeagueRuleSet: (event) =>
    texts.rule([event.league, event.period, String(event.market).replaceAll('_', ' ')].filter(Boolean).join(' '), Boolean(event.after)),
};

const waiting = (event: Happened) => texts.waiting((event.markets as string[]).map((one) => marketWords(one)));

/** A notification in words. */
export function noticeWords(games: Games, { event, kind }: Notice): string {
  const game = String(event.fixture ?? '');
  const reason = event.reason ? texts.because(String(event.reason)) : '';
  if (typeof event.scope === 'string') return `${words(event.type)}: ${subjectWords(games, event.scope, String(event.subject ?? ''))}${reason}`;
  const told = WORDS[event.type]?.(event, marketOfGame(games, String(event.market ?? '')), gameWords(games.of(game), game), kind);
  if (told) return told + reason;
  return [words(event.type), event.user, event.role, event.feed, event.measure, event.what, event.kind, event.subject].filter(Boolean).join(' ') + reason;
}
