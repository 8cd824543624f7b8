// Rows: what the ticker shows of what has become of tickets, whether the live stream or history tells it.

import type { Schemas } from '../../lib/api';
import type { Entry, Taken } from '../../lib/entries';
import { lineText, marketWords, price, sideLine, sideWords } from '../../lib/format';
import type { Games } from '../../lib/games.svelte';
import { kindOf } from '../../lib/market';

export interface Row {
  /** The position at which it has happened; of a ticket that was placed, its number. */
  seq: number;
  at_ns: number;
  /** What has happened: the event's type. */
  type: string;
  number: number;
  player: string;
  agent: string;
  sport: string;
  channel: string;
  /** The market, the side, the line and the price of the first leg; "" for the market if they are not told. */
  market: string;
  side: string;
  line: number | null;
  price: string;
  selection: string;
  risk_minor: number;
  win_minor: number;
  returned_minor: number | null;
  /** How it has ended; "" while it is open. */
  result: string;
  reason: string;
}

/** What an entry of the live stream says. */
export function ofEntry({ seq, at_ns, event, ticket }: Entry, games: Games): Row {
  const placed = event.type === 'WagerPlaced';
  const taken = (placed ? event : ticket?.legs?.[0]) as Taken | undefined;
  const market = taken?.market ?? '';
  return {
    seq,
    at_ns,
    type: event.type,
    number: Number(event.wager),
    player: String(event.player),
    agent: String((placed ? event.agent : ticket?.agent) ?? ''),
    sport: ticket?.sport ?? games.of(market)?.sport ?? '',
    channel: String((placed ? event.channel : ticket?.channel) ?? ''),
    market,
    side: taken?.side ?? '',
    line: taken?.line_quarters ?? null,
    price: taken?.price ?? '',
    selection: ticket?.selection ?? '',
    risk_minor: ticket?.risk_minor ?? 0,
    win_minor: ticket?.win_minor ?? 0,
    returned_minor: event.type === 'WagerSettled' ? Number(event.returned_minor) : null,
    result: event.type === 'WagerSettled' ? String(event.result) : '',
    reason: String(event.reason ?? ''),
  };
}

/** What history says of a ticket: that it was placed, and how it has ended since. */
export function ofTicket(ticket: Schemas['WagerRow'], games: Games): Row {
  return {
    seq: ticket.number,
    at_ns: ticket.placed_ns,
    type: 'WagerPlaced',
    number: ticket.number,
    player: ticket.player,
    agent: ticket.agent,
    sport: games.of(ticket.market)?.sport ?? '',
    channel: ticket.channel,
    market: ticket.market,
    side: ticket.side,
    line: ticket.line_quarters,
    price: ticket.price,
    selection: ticket.selection,
    risk_minor: ticket.risk_minor,
    win_minor: ticket.win_minor,
    returned_minor: ticket.returned_minor,
    result: ticket.status === 'void' ? 'void' : (ticket.result ?? ''),
    reason: ticket.void_reason,
  };
}

/** What becomes of a ticket by an entry, if that is its end or takes its end back. */
export function endOf({ event }: Entry): string | null {
  if (event.type === 'WagerSettled') return String(event.result);
  return event.type === 'WagerVoided' ? 'void' : event.type === 'WagerReversed' ? '' : null;
}

/** What was taken, in columns of their own, while the game's name is known. */
export function columnsOf(row: Row, games: Games): { who: string; market: string; line: string; price: string } | null {
  const game = games.of(row.market);
  if (!row.market || !game) return null;
  const kind = kindOf(row.market);
  // A ticket keeps the line of its own side.
  return { who: sideWords(game, row.market, row.side), market: marketWords(row.market, game.sport), line: lineText(kind, row.side, sideLine(kind, row.side, row.line)), price: price(row.price) };
}
