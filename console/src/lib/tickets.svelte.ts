// Tickets: what is written on them. What becomes of a ticket is told by its number; whose it is and on what, its placing has said.

import { SvelteMap } from 'svelte/reactivity';
import { ask, type Happened, type Schemas } from './api';
import type { Games } from './games.svelte';

export type Ticket = Pick<Schemas['WagerRow'], 'number' | 'player' | 'market' | 'side' | 'line_quarters' | 'price' | 'risk_minor' | 'win_minor'>;

const KEPT_MAX = 5_000;
/** So many rows are looked through for those that are wanted; the next page is asked for if one of them is further down. */
const ROWS = 200;
/** Who has longer lists to fill than this looks at none of their rows. */
const WANTED_MAX = 500;

export class Tickets {
  private readonly known = new SvelteMap<number, Ticket>();
  private readonly hidden = new Set<number>();
  private readonly wanted = new Set<number>();
  private asking = false;

  constructor(private readonly games: Games) {}

  /** A ticket, if it is known by now. */
  get(number: number): Ticket | undefined {
    return this.known.get(number);
  }

  /** Keep what some placings have said. */
  placed(events: Happened[]): void {
    this.keep(events.map((event) => ({ ...(event as unknown as Ticket), number: Number(event.wager) })));
  }

  /** Find out about tickets that were placed before this page looked. */
  want(numbers: number[]): void {
    for (const number of numbers) if (!this.known.has(number) && !this.hidden.has(number)) this.wanted.add(number);
    for (const number of this.wanted) {
      if (this.wanted.size <= WANTED_MAX) break;
      this.wanted.delete(number);
    }
    if (!this.asking && this.wanted.size) void this.find();
  }

  private keep(tickets: Ticket[]): void {
    for (const one of tickets) {
      if (this.known.has(one.number)) continue;
      this.known.set(one.number, one);
      this.games.want(one.market.split(':')[0] ?? '');
    }
    for (const number of this.known.keys()) {
      if (this.known.size <= KEPT_MAX) break;
      this.known.delete(number);
    }
  }

  private async find(): Promise<void> {
    this.asking = true;
    try {
      while (this.wanted.size) {
        const highest = Math.max(...this.wanted);
        const found = await ask<Ticket>('wagers', { after: highest + 1, limit: ROWS });
        this.keep(found.items);
        const lowest = found.next ? Number(found.next) : 0;
        for (const number of this.wanted) {
          const passed = number <= highest && number >= lowest;
          // What should have been there and is not is not for these eyes: it is not asked for again.
          if (passed && !this.known.has(number)) this.hidden.add(number);
          if (passed || this.known.has(number)) this.wanted.delete(number);
        }
      }
    } catch {
      this.wanted.clear();
    } finally {
      this.asking = false;
    }
  }
}
