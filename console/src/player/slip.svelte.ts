// Slip: what is about to be wagered, from the press on a price to the number of its ticket. It outlives the view that is open and
// the session: whoever has to sign in again finds it as they left it.

import { Refused, commandId, isUnsure, send } from '../lib/api';
import { amount, minorOf, offer, riskToWin, sideLine, sideWords, winForRisk } from '../lib/format';
import { closedWords } from '../lib/lines';
import type { Fixture, LivePage, Market } from '../lib/page.svelte';
import texts from '../texts/player';

/** Which half of the amount was written; the other follows from it and from the price. */
export type Basis = 'risk' | 'to_win';

export interface Choice {
  fixture: string;
  market: string;
  kind: string;
  side: string;
  /** What was seen when it was chosen or last confirmed; the line is the side's own. */
  line: number | null;
  price: string;
}

interface Placed {
  number: number;
  words: string;
  risk: number;
  win: number;
}

/** What stands for the choice now. closed: why it takes no wagers; "" if it does. */
interface Quote {
  line: number | null;
  price: string;
  closed: string;
}

/** Whether a side takes wagers. */
export function takes(one: Market, side: string): boolean {
  return one.open && !one.closed_sides.includes(side);
}

/** A side's own line and its price, as they are read: the board's line of a spread is the home side's. */
export function ownOffer(kind: string, side: string, line: number | null, price: string): string {
  return offer(kind, side, sideLine(kind, side, line), price);
}

export class Slip {
  choice = $state<Choice | null>(null);
  basis = $state<Basis>('risk');
  typed = $state('');
  error = $state('');
  /** What can be risked at most, where that was the reason of a refusal. */
  most = $state(0);
  waiting = $state(false);
  /** Whether it was sent, and nobody knows what became of it. */
  unsure = $state(false);
  /** What was placed last: the slip says so in its own place, wherever the page is scrolled to. */
  placed = $state.raw<Placed | null>(null);
  /** While it is under way, and until it is known what became of it, it stays as it was sent. */
  readonly stuck = $derived(this.waiting || this.unsure);
  private sent: { id: string; fields: Record<string, unknown> } | null = null;

  /** page: the page of this session; another one after signing in again. */
  constructor(private readonly page: () => LivePage) {}

  private readonly found = $derived.by(() => {
    const fixture = this.page().fixtures.find((row) => row.fixture === this.choice?.fixture);
    return fixture?.markets.find((one) => one.market === this.choice?.market);
  });

  /** The quote is live: what stands now, null where it is off the board. */
  readonly now = $derived.by<Quote | null>(() => {
    const { choice, found } = this;
    if (!choice || !found) return null;
    const at = found.sides.indexOf(choice.side);
    const closed = takes(found, choice.side) ? '' : found.open ? texts.slip.sideClosed : closedWords(found.closed_by);
    return { line: sideLine(found.kind, choice.side, found.line_quarters), price: found.prices[at] ?? '', closed };
  });

  readonly moved = $derived(!!this.choice && !!this.now && (this.now.line !== this.choice.line || this.now.price !== this.choice.price));

  /** What was written, in minor units, or why it is no amount. */
  readonly minor = $derived(this.typed.trim() ? minorOf(this.typed) : texts.slip.noAmount);

  /** The other half of the amount, in minor units, null while it is not known. */
  readonly other = $derived.by(() => {
    const price = this.now?.price ?? this.choice?.price;
    if (typeof this.minor === 'string' || !price) return null;
    return this.basis === 'risk' ? winForRisk(price, this.minor) : riskToWin(price, this.minor);
  });

  /** What is written in a half. */
  half(basis: Basis): string {
    if (basis === this.basis) return this.typed;
    return this.other === null ? '' : (this.other / 100).toFixed(2);
  }

  choose(row: Fixture, one: Market, side: string): void {
    if (this.stuck) return;
    const at = one.sides.indexOf(side);
    this.choice = { fixture: row.fixture, market: one.market, kind: one.kind, side, line: sideLine(one.kind, side, one.line_quarters), price: one.prices[at] ?? '' };
    this.placed = null;
    this.forget();
  }

  write(basis: Basis, typed: string): void {
    if (this.stuck) return;
    this.basis = basis;
    this.typed = typed;
    this.forget();
  }

  /** Leave it, also one of which nobody knows: that is looked for in the wagers. Not while it is under way. */
  drop(): void {
    if (this.waiting) return;
    this.choice = null;
    this.forget();
  }

  /** What stood between this and its being placed is over. */
  private forget(): void {
    this.error = '';
    this.most = 0;
    this.unsure = false;
    this.sent = null;
  }

  /** Take the price that stands now, or place at the one that was confirmed; where nobody knows what became of it, send the same again. */
  async place(): Promise<void> {
    const { choice, now } = this;
    if (!choice || this.waiting) return;
    if (!this.sent) {
      if (!now) return;
      if (this.moved) {
        this.forget();
        this.choice = { ...choice, line: now.line, price: now.price };
        return;
      }
      if (typeof this.minor === 'string') {
        this.error = this.minor;
        return;
      }
      const { market, side, line, price } = choice;
      const fields = { player: this.page().me.player, market, side, line_quarters: line, price, amount_minor: this.minor, basis: this.basis, channel: 'web' };
      this.sent = { id: commandId(this.page().serverMs()), fields };
    }
    this.waiting = true;
    this.error = '';
    this.most = 0;
    try {
      const executed = await send('PlaceWager', this.sent.fields, this.sent.id);
      const taken = executed.outcome.events[0];
      const { market, kind, side, price } = choice;
      this.placed = {
        number: Number(taken?.wager),
        words: `${sideWords(this.page().games.of(market), market, side)} ${ownOffer(kind, side, (taken?.line_quarters ?? null) as number | null, String(taken?.price ?? price))}`,
        risk: Number(taken?.risk_minor ?? 0),
        win: Number(taken?.win_minor ?? 0),
      };
      this.choice = null;
      this.forget();
    } catch (caught) {
      this.refused(caught);
    } finally {
      this.waiting = false;
    }
  }

  private refused(caught: unknown): void {
    const refused = caught instanceof Refused ? caught : new Refused('unreachable', String(caught));
    if (isUnsure(caught, this.unsure)) {
      this.unsure = true;
      this.error = texts.slip.unsure(refused.code === 'unreachable' ? texts.slip.unreachable : refused.message);
      return;
    }
    this.forget();
    const most = refused.details.most_minor;
    this.most = typeof most === 'number' ? most : 0;
    this.error = typeof most === 'number' ? texts.slip.atMost(refused.message, amount(most)) : refused.message;
  }
}
