// Pages: rows of one's own of which there may be any number, newest first. The newest are asked for anew when something happens;
// those before come when they are wanted, without end.

import { ask } from '../lib/api';

const ROWS = 50;

export class Pages<Row extends { number: number }> {
  rows = $state.raw<Row[]>([]);
  /** Whether they are known: until then none means nothing. */
  loaded = $state(false);
  /** Why they are not known. */
  missing = $state('');
  /** Where those before go on; "" where there are none. */
  next = $state('');
  /** Whether something is being asked. */
  asking = $state(false);
  private known = new Map<number, Row>();
  private again = false;
  private wanted = false;
  private asks = Promise.resolve();

  constructor(private readonly query: string) {}

  /** Ask for the newest; whoever asks while it is being asked is answered once more afterwards. at_least: a position. */
  async renew(at_least = 0): Promise<void> {
    this.again = true;
    while (this.again && !this.asking) {
      this.again = false;
      await this.asked(async () => {
        const page = await ask<Row>(this.query, { limit: ROWS, at_least });
        // Where nothing joins what is known, there may be others between: it begins anew.
        const joins = page.items.some((row) => this.known.has(row.number));
        if (!joins) this.known = new Map();
        if (!joins) this.next = page.next;
        this.keep(page.items);
        this.loaded = true;
      });
    }
  }

  /** Those before, until there is one that counts, or no other. */
  async older(counts: (row: Row) => boolean = () => true): Promise<void> {
    if (this.wanted) return;
    this.wanted = true;
    // Who presses while the newest are asked for wants those before all the same.
    while (this.asking) await this.asks;
    this.wanted = false;
    await this.asked(async () => {
      for (let found = false; this.next && !found; ) {
        const page = await ask<Row>(this.query, { limit: ROWS, after: this.next });
        this.next = page.next;
        this.keep(page.items);
        found = page.items.some(counts);
      }
    });
    if (this.again) await this.renew();
  }

  /** Take in rows, new or changed. */
  protected keep(some: readonly Row[]): void {
    for (const row of some) this.known.set(row.number, row);
    this.rows = [...this.known.values()].sort((a, b) => b.number - a.number);
  }

  protected of(number: number): Row | undefined {
    return this.known.get(number);
  }

  private asked(ask: () => Promise<void>): Promise<void> {
    this.asking = true;
    return (this.asks = ask()
      .then(() => void (this.missing = ''))
      .catch((caught: unknown) => void (this.missing = caught instanceof Error ? caught.message : String(caught)))
      .finally(() => (this.asking = false)));
  }
}
