// Telling: what an event of the log has changed, in words: whose what, as it was, as it is. Where nobody has put an event into words
// it is told by its fields, those that it says twice (before and after) beside each other.

import { amount, count, dayAndTime, gameWords, lineText, marketWords, points, price } from './format';
import type { Happened } from './api';
import { both, sidesOf, type Departure } from './lines';
import type { Games, Score } from './games.svelte';
import { largeWords } from './large';
import { marketOfGame, subjectWords } from './naming';
import large from '../texts/large';
import texts from '../texts/log';
import { kindOf } from './market';

const says = texts.told;

/** A thing that an event has changed. before is "" where there was nothing to say of before. */
export interface Change {
  what: string;
  before: string;
  after: string;
}

type Teller = (event: Happened, games: Games) => Change;

const text = (value: unknown) => String(value ?? '');
const minor = (value: unknown) => amount(Number(value ?? 0));
const game = (games: Games, event: Happened) => gameWords(games.of(text(event.fixture)), text(event.fixture));
const scored = (score: unknown) => (score ? `${(score as Score).away}–${(score as Score).home}` : '');
const ticket = (event: Happened) => `${says.ticket(count(Number(event.wager)))} (${text(event.player)})`;

function departure(how: Departure, kind: string): string {
  if (how.mode === 'hide') return says.hidden;
  if (how.mode === 'lock') return says.locked(both({ kind, sides: sidesOf(kind) }, { line: how.line_quarters, prices: how.prices }));
  if (how.mode === 'offset') return says.offset(how.offset_quarters ? points(how.offset_quarters, true) : '', how.offset_cents ? `${how.offset_cents > 0 ? '+' : '−'}${Math.abs(how.offset_cents)}` : '');
  return says.follows;
}

const least = (event: Happened, minor: unknown) => (minor === null ? large.asAbove(text(event.node)) : largeWords(Number(minor)));

const score =
  (what: string): Teller =>
  (event, games) => ({ what: `${game(games, event)}: ${what}`, before: scored(event.before) || says.none, after: scored(event.score) });

const TOLD: Record<string, Teller> = {
  Suspended: (event, games) => ({ what: subjectWords(games, text(event.scope), text(event.subject)), before: says.open, after: says.suspended }),
  Reopened: (event, games) => ({ what: subjectWords(games, text(event.scope), text(event.subject)), before: says.suspended, after: says.layerGone }),
  CreditAdjusted: (event) => ({ what: `${text(event.player)}: ${says.creditLimit}`, before: minor(event.before_minor), after: minor(event.after_minor) }),
  LargeWagerSet: (event) => ({ what: large.what(text(event.node)), before: least(event, event.before_minor), after: least(event, event.after_minor) }),
  RoleAssigned: (event) => ({ what: says.roleOf(text(event.user)), before: text(event.before) || says.none, after: text(event.after) }),
  UserRevoked: (event) => ({ what: text(event.user), before: says.mayAct, after: says.mayNot }),
  UserRestored: (event) => ({ what: text(event.user), before: says.mayNot, after: says.mayAct }),
  UserCreated: (event) => ({ what: text(event.user), before: says.noUser, after: [text(event.role), text(event.node) && says.under(text(event.node))].filter(Boolean).join(', ') }),
  AgentCreated: (event) => ({ what: text(event.agent), before: says.none, after: says.under(text(event.parent)) }),
  AgentMoved: (event) => ({ what: text(event.agent), before: says.under(text(event.before)), after: says.under(text(event.after)) }),
  PlayerCreated: (event) => ({ what: text(event.player), before: says.noAccount, after: `${says.under(text(event.agent))}, ${says.creditLimit} ${minor(event.credit_limit_minor)}` }),
  TransactionEntered: (event) => ({ what: `${text(event.player)}: ${text(event.kind)}`, before: '', after: `${Number(event.change_minor) > 0 ? '+' : ''}${minor(event.change_minor)}` }),
  FixtureRescheduled: (event, games) => ({ what: `${game(games, event)}: ${says.start}`, before: dayAndTime(Number(event.before_ns)), after: dayAndTime(Number(event.after_ns)) }),
  FixtureRenumbered: (event, games) => ({ what: `${game(games, event)}: ${says.number}`, before: text(event.before), after: text(event.after) }),
  FixtureCancelled: (event, games) => ({ what: game(games, event), before: scored(event.before) || says.notOver, after: says.calledOff }),
  ResultEntered: score(says.score),
  ResultConfirmed: score(says.official),
  ScoreConfirmed: score(says.official),
  WagerPlaced: (event, games) => ({
    what: ticket(event),
    before: '',
    after: `${text(event.side)} ${offered(event)}, ${marketOfGame(games, text(event.market))}, ${says.risks(minor(event.risk_minor), minor(event.win_minor))}`,
  }),
  WagerSettled: (event) => ({ what: ticket(event), before: says.open, after: `${text(event.result).replaceAll('_', ' ')}, ${says.back(minor(event.returned_minor))}` }),
  WagerVoided: (event) => ({ what: ticket(event), before: says.open, after: says.void }),
  WagerReversed: (event) => ({ what: ticket(event), before: '', after: says.openAgain }),
  LineMoved: (event, games) => {
    const kind = kindOf(text(event.market));
    return { what: marketOfGame(games, text(event.market)), before: departure(event.before as Departure, kind), after: departure(event.after as Departure, kind) };
  },
  LinePosted: (event, games) => ({
    what: marketOfGame(games, text(event.market)),
    before: '',
    after: both({ kind: text(event.kind), sides: sidesOf(text(event.kind)) }, { line: event.line_quarters as number | null, prices: event.prices as string[] }),
  }),
};

/** A ticket keeps the line of its own side. */
function offered(event: Happened): string {
  const kind = kindOf(text(event.market));
  const line = event.line_quarters as number | null;
  const shown = line === null ? '' : kind === 'total' ? lineText(kind, text(event.side), line) : points(line, true);
  return `${shown} ${price(text(event.price))}`.trim();
}

const named = (field: string) => field.replace(/_(minor|ns)$/, '').replaceAll('_', ' ');

/** A value of a field as people write it. */
export function valueWords(games: Games, field: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return texts.nothing;
  if (typeof value === 'boolean') return value ? texts.yes : texts.no;
  if (typeof value === 'number') return field.endsWith('_minor') ? amount(value) : field.endsWith('_ns') && value > 1e15 ? dayAndTime(value) : String(value).replace('-', '−');
  if (typeof value === 'string') return field === 'fixture' ? gameWords(games.of(value), value) : field === 'market' ? marketOfGame(games, value) : value;
  if (Array.isArray(value)) return value.map((one) => (field === 'markets' ? marketWords(String(one)) : valueWords(games, field, one))).join(', ') || texts.nothing;
  return Object.entries(value)
    .map(([key, one]) => `${named(key)} ${valueWords(games, key, one)}`)
    .join(', ');
}

/** What of a list came and what went: + wager void, − log view. */
function listed(before: readonly unknown[], after: readonly unknown[]): string {
  const went = before.filter((one) => !after.includes(one)).map((one) => `− ${String(one)}`);
  const came = after.filter((one) => !before.includes(one)).map((one) => `+ ${String(one)}`);
  return [...came, ...went].join(', ');
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What two values of a field differ in: of what has parts, those that are others. */
function differing(games: Games, field: string, before: unknown, after: unknown): Change[] {
  if (isObject(before) && isObject(after)) {
    return Object.keys({ ...before, ...after })
      .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
      .map((key) => ({ what: named(key), before: valueWords(games, key, before[key]), after: valueWords(games, key, after[key]) }));
  }
  if (Array.isArray(before) && Array.isArray(after) && [...before, ...after].every((one) => typeof one === 'string')) return [{ what: named(field), before: '', after: listed(before, after) || texts.nothing }];
  return [{ what: named(field), before: valueWords(games, field, before), after: valueWords(games, field, after) }];
}

/** What an event says twice: as it was, and as it is. */
export function changes(games: Games, event: Happened): Change[] {
  return Object.keys(event).flatMap((key) => {
    const [, unit = ''] = /^before(_\w+)?$/.exec(key) ?? [null];
    if (!key.startsWith('before')) return [];
    const other = key.replace('before', 'after');
    if (other in event) return differing(games, `value${unit}`, event[key], event[other]);
    return [];
  });
}

/** The fields of an event that say nothing twice, each with its value. */
export function others(games: Games, event: Happened): [field: string, value: string][] {
  const twice = new Set(Object.keys(event).filter((key) => key.startsWith('before') && key.replace('before', 'after') in event));
  return Object.entries(event)
    .filter(([key, value]) => key !== 'type' && !twice.has(key) && !twice.has(key.replace('after', 'before')) && value !== null && value !== '')
    .map(([key, value]) => [named(key), valueWords(games, key, value)]);
}

/** An event in words: what it has changed, before → after. */
export function tellWords(games: Games, event: Happened): string {
  const told = TOLD[event.type]?.(event, games);
  if (told) return `${told.what}: ${told.before ? `${told.before} → ` : ''}${told.after}`;
  if (event.type === 'SignedIn') return says.signedIn(text(event.user));
  if (event.type === 'SessionEnded') return says.signedOut(text(event.user), text(event.cause).replaceAll('_', ' '));
  const twice = changes(games, event).map((one) => `${one.what === 'value' ? '' : `${one.what} `}${one.before ? `${one.before} → ` : ''}${one.after}`);
  const rest = others(games, event)
    .filter(([field]) => !['reason', 'description', 'narrowed node', 'narrowed role'].includes(field))
    .map(([field, value]) => (['fixture', 'market', 'user', 'player', 'agent', 'role', 'league', 'subject'].includes(field) ? value : `${field} ${value}`));
  return [rest.join(' · '), twice.join(', ')].filter(Boolean).join(': ');
}
