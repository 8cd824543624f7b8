// Notices: what somebody should look at, in words.

import { amount, dayAndTime, gameWords, marketWords, words } from './format';
import { both, sidesOf } from './lines';
import type { Happened } from './api';
import type { Games } from './games.svelte';
import { marketOfGame, subjectWords } from './naming';
import type { Notice } from './entries';

/** What each kind of notification is called. */
export const KINDS: Record<string, string> = {
  large_wager: 'large wager',
  suspension: 'suspension',
  role_change: 'role',
  failed_sign_ins: 'failed sign-ins',
  feed_silent: 'feed',
  set_aside: 'set aside',
  degraded_health: 'health',
  line_held: 'line held',
  line_alert: 'odd line',
  line_refused: 'no line',
  locked_line: 'locked line',
  game_reopened: 'game reopened',
  postponement: 'late game',
  league_rule: 'rule',
};

/** What looks like a mistake in a line. */
const CHECKS: Record<string, string> = {
  no_hold: 'its sides together are below 100 %',
  price_jump: 'the price jumps',
  line_jump: 'the line jumps',
  contradiction: 'it contradicts another line of the game',
  swap: 'its sides look exchanged',
};

const checks = (event: Happened, field: string) => (event[field] as string[]).map((one) => CHECKS[one] ?? one).join(', ');

/** The line that an event has posted: both sides. */
function posted(event: Happened): string {
  const kind = String(event.kind);
  return both({ kind, sides: sidesOf(kind) }, { line: event.line_quarters as number | null, prices: event.prices as string[] });
}

const WORDS: Record<string, (event: Happened, market: string, game: string, kind: string) => string> = {
  WagerPlaced: (event) => `${event.player}: ${amount(Number(event.risk_minor))}`,
  LineHeld: (event, market) => `${market}: ${posted(event)} waits for a person, ${checks(event, 'reasons')}`,
  LinePosted: (event, market, _, kind) =>
    kind === 'locked_line' ? `the house has the ${market} at ${posted(event)}; ours is locked` : `${market}: ${posted(event)} stands, although ${checks(event, 'tripped')}`,
  LineRefused: (event, market, _, kind) =>
    kind === 'locked_line' ? `the house has the ${market} off the board; ours is locked` : `${market}: off the board, ${event.why}`,
  LineWithdrawn: (_, market) => `the house has the ${market} off the board; ours is locked`,
  FixturePostponed: (_, __, game) => `${game} is postponed`,
  FixtureResumed: (_, __, game) => `${game} is played after all`,
  FixtureReopened: (_, __, game) => `${game} is not over: its wagers are open again`,
  WagersLetStand: (event, _, game) => `wagers on ${game} ${event.stand ? 'stand, however late it is' : 'wait only as long as the rule says'}`,
  WindowNearing: (event, _, game) => `${waiting(event)} on ${game} are void at ${dayAndTime(Number(event.voids_ns))} unless it begins by then`,
  WindowLifted: (_, __, game) => `wagers on ${game} are not void for its being late`,
  WindowEnded: (event, _, game) => `${waiting(event)} on ${game} are void: it is too late`,
  LeagueRuleSet: (event) => `${[event.league, event.period, String(event.market).replaceAll('_', ' ')].filter(Boolean).join(' ')}: ${event.after ? 'another rule' : 'its own rule again'}`,
};

const waiting = (event: Happened) => `wagers (${(event.markets as string[]).map((one) => marketWords(one)).join(', ')})`;

/** A notification in words. */
export function noticeWords(games: Games, { event, kind }: Notice): string {
  const game = String(event.fixture ?? '');
  const reason = event.reason ? ` (${event.reason})` : '';
  if (typeof event.scope === 'string') return `${words(event.type)}: ${subjectWords(games, event.scope, String(event.subject ?? ''))}${reason}`;
  const told = WORDS[event.type]?.(event, marketOfGame(games, String(event.market ?? '')), gameWords(games.of(game), game), kind);
  if (told) return told + reason;
  return [words(event.type), event.user, event.role, event.feed, event.measure, event.what, event.kind, event.subject].filter(Boolean).join(' ') + reason;
}
