// How the field writes money, lines, prices and times.

import texts from '../texts/lines';

const money = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat('en-US');

/** Minor units as an amount: 1234500 -> 12,345.00. A minus is the real sign. */
export function amount(minor: number): string {
  return money.format(minor / 100).replace('-', '−');
}

/** An amount without its hundredths, for places where there is little room. */
export function rounded(minor: number): string {
  return whole.format(Math.round(minor / 100)).replace('-', '−');
}

export function count(value: number): string {
  return whole.format(value);
}

const PARTS = ['', '¼', '½', '¾'];
/** Decimal prices have four places at most. */
const DECIMAL = 10_000;

/** Quarter points with halves as ½, and PK for a handicap of nothing. */
export function points(quarters: number, signed: boolean): string {
  if (signed && quarters === 0) return 'PK';
  const size = Math.abs(quarters);
  const text = `${size >= 4 || size === 0 ? Math.floor(size / 4) : ''}${PARTS[size % 4] ?? ''}`;
  if (quarters < 0) return `−${text}`;
  return signed ? `+${text}` : text;
}

/** A price; even money is EV. */
export function price(text: string): string {
  if (text === '+100' || text === '-100') return 'EV';
  return text.replace('-', '−');
}

/** The line of a side: the away side's handicap is the home side's with the other sign. */
export function sideLine(kind: string, side: string, line: number | null): number | null {
  if (line === null) return null;
  return kind === 'spread' && side === 'away' ? -line : line;
}

/** The line of a side, as it is read: −1½, o8½, PK; "" where there is none. */
export function lineText(kind: string, side: string, line: number | null): string {
  const own = sideLine(kind, side, line);
  if (own === null) return '';
  return kind === 'total' ? `${side === 'over' ? 'o' : 'u'}${points(own, false)}` : points(own, true);
}

/** What is offered on a side, as it is read: −1½ −110, o8½ −105, +120. */
export function offer(kind: string, side: string, line: number | null, text: string): string {
  return `${lineText(kind, side, line)} ${price(text)}`.trim();
}

/** What is won for what is risked at a price of record (-110, 2.10, 11/10), as two whole numbers. */
function profit(text: string): [number, number] {
  if (text.includes('/')) {
    const [won = 0, risked = 1] = text.split('/').map(Number);
    return [won, risked];
  }
  const number = Number(text);
  if (!/^[+-]/.test(text)) return [Math.round((number - 1) * DECIMAL), DECIMAL];
  return number > 0 ? [number, 100] : [100, -number];
}

/** What a risk wins at a price, in minor units, half a cent up: as a book rounds unless it says otherwise. */
export function winForRisk(text: string, minor: number): number {
  const [won, risked] = profit(text);
  return Math.round((minor * won) / risked);
}

/** What must be risked to win an amount at a price, in minor units, rounded likewise. */
export function riskToWin(text: string, minor: number): number {
  const [won, risked] = profit(text);
  return Math.round((minor * risked) / won);
}

/** Quarter points of what somebody has typed (-1½, 8.5, PK), null if it is no line. */
export function quartersOf(typed: string): number | null {
  const text = typed.trim().replace('−', '-');
  if (text.toUpperCase() === 'PK') return 0;
  const found = /^([+-]?)(\d*)(?:\.(\d{1,2})|([¼½¾]))?$/.exec(text);
  if (!found || !(found[2] || found[3] || found[4])) return null;
  const part = found[4] ? PARTS.indexOf(found[4]) : Number((found[3] ?? '').padEnd(2, '0')) / 25;
  if (!Number.isInteger(part)) return null;
  return (found[1] === '-' ? -1 : 1) * (4 * Number(found[2]) + part) || 0;
}

/** Minor units of what somebody has typed, or why it is none. */
export function minorOf(typed: string): number | string {
  const text = typed.trim().replaceAll(',', '');
  if (!/^\d{1,12}(\.\d{1,2})?$/.test(text)) return texts.noAmount;
  const [units, cents = ''] = text.split('.');
  return Number(units) * 100 + Number(cents.padEnd(2, '0'));
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

export function dayAndTime(ns: number): string {
  return day.format(ns / 1e6);
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export function timeOfDay(ns: number): string {
  return clock.format(ns / 1e6);
}

/** How long until a time: 2 h 05 min, 3:20, started. */
export function until(ns: number, nowNs: number): string {
  const seconds = Math.floor((ns - nowNs) / 1e9);
  if (seconds <= 0) return texts.started;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours) return texts.hours(hours, minutes);
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`;
}

export function ms(value: number): string {
  return texts.ms(value < 10 ? value.toFixed(1) : String(Math.round(value)));
}

/** What a sport calls a kind of market: run line. */
export function marketName(kind: string, sport = ''): string {
  return (kind === 'spread' && texts.spreads[sport]) || kind.replaceAll('_', ' ');
}

/** What a sport calls a part of its games: first 5 innings. */
export function periodName(period: string, sport = ''): string {
  return texts.periods[`${sport} ${period}`] ?? texts.periods[period] ?? period.replaceAll('_', ' ');
}

/** A market in words, from its id (GAME:PERIOD:KIND): run line, 1st half total. */
export function marketWords(market: string, sport = ''): string {
  const [, period = 'game', kind = ''] = market.split(':');
  const name = marketName(kind, sport);
  return period === 'game' ? name : texts.partOf(periodName(period, sport), name);
}

/** A game in words: 901 Tampa Bay Rays at Baltimore Orioles. */
export function gameWords(game: { rotation: number; away: string; home: string } | undefined, id: string): string {
  return game ? texts.game(game.rotation, game.away, game.home) : id;
}

/** Who is backed on a side: 902 Baltimore Orioles; of a total, the game. */
export function sideWords(game: { rotation: number; away: string; home: string } | undefined, market: string, side: string): string {
  if (!game) return `${market.split(':')[0]} ${side}`;
  if (side === 'away') return `${game.rotation} ${game.away}`;
  if (side === 'home') return `${game.rotation + 1} ${game.home}`;
  return side === 'draw' ? texts.draw(gameWords(game, '')) : gameWords(game, '');
}

/** A side in little room, by its rotation number or what it is, and its team in full. */
export function sideShort(game: { rotation: number; away: string; home: string } | undefined, side: string): { short: string; name?: string } {
  if (!game || (side !== 'away' && side !== 'home')) return { short: side };
  const at = side === 'away' ? 0 : 1;
  return { short: String(game.rotation + at), name: at ? game.home : game.away };
}

/** An event's type in words: CreditAdjusted -> credit adjusted. */
export function words(type: string): string {
  return type.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}
