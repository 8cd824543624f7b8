// Tickets: one's own, newest first. They are asked for once; from then on the stream moves them.

import { ask, type Schemas } from '../lib/api';
import type { Entry } from '../lib/entries';
import type { LivePage } from '../lib/page.svelte';
import { Pages } from './pages.svelte';

export type Ticket = Pick<
  Schemas['WagerRow'],
  'number' | 'market' | 'side' | 'league' | 'away' | 'home' | 'start_ns' | 'placed_ns' | 'selection' | 'risk_minor' | 'win_minor' | 'status' | 'result' | 'returned_minor' | 'score' | 'void_reason'
>;

const OPEN_ROWS = 200;

export class Tickets extends Pages<Ticket> {
  readonly open = $derived(this.rows.filter((row) => row.status === 'open'));
  readonly closed = $derived(this.rows.filter((row) => row.status !== 'open'));

  constructor() {
    super('wagers');
  }

  /** Ask for the newest and for all that are open, and follow what becomes of them. Returns what ends it. */
  follow(page: LivePage): () => void {
    const early: Entry[] = [];
    let take = (entries: Entry[]): void => void early.push(...entries);
    const deaf = page.hear((entries) => take(entries));
    void this.renew()
      .then(() => ask<Ticket>('wagers', { status: 'open', limit: OPEN_ROWS }))
      .then(
        (open) => {
          this.keep(open.items);
          take = (entries) => this.take(page, entries);
          take(early);
        },
        (caught: Error) => (this.missing = caught.message),
      );
    return deaf;
  }

  private take(page: LivePage, entries: Entry[]): void {
    const changed = new Set<number>();
    for (const { event, ticket, at_ns } of entries) {
      const number = Number(event.wager);
      const row = this.of(number);
      if (event.type === 'WagerPlaced') {
        if (row || !ticket) continue;
        const { league = '', away = '', home = '', start_ns = 0 } = page.games.of(String(event.market)) ?? {};
        this.keep([{ ...ticket, league, away, home, start_ns, placed_ns: at_ns, number, market: String(event.market), side: String(event.side), status: 'open', result: null, returned_minor: null, score: null, void_reason: '' }]);
      } else if (row) {
        if (event.type === 'WagerSettled') this.keep([{ ...row, status: 'settled', result: String(event.result), returned_minor: Number(event.returned_minor) }]);
        else if (event.type === 'WagerVoided') this.keep([{ ...row, status: 'void', result: null, returned_minor: null, void_reason: String(event.reason ?? '') }]);
        else if (event.type === 'WagerReversed') this.keep([{ ...row, status: 'open', result: null, returned_minor: null, score: null, void_reason: '' }]);
        else continue;
        changed.add(number);
      }
    }
    if (changed.size) void this.look(changed, page.position);
  }

  /** Ask anew for tickets of which the stream has told what became: how their games ended, why they are void. */
  private async look(numbers: Set<number>, position: number): Promise<void> {
    const before = new Map([...numbers].map((number) => [number, this.of(number)]));
    await this.renew(position);
    for (const [number, row] of before) {
      if (this.of(number) !== row) continue;
      const found = await ask<Ticket>('wagers', { number, at_least: position }).catch(() => null);
      if (found) this.keep(found.items);
    }
  }
}
