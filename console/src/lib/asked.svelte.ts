// Asked: what a query has answered, asked again when something happens that may change it. Never on a timer.

import { untrack } from 'svelte';
import { Refused, type Page } from './api';
import type { Entry } from './entries';
import type { LivePage } from './page.svelte';

export class Asked<Row> {
  rows = $state.raw<Row[]>([]);
  /** Whether it has been answered: until then an empty list means nothing. */
  loaded = $state(false);
  /** Why it was refused. */
  refused = $state.raw<Refused | null>(null);
  /** Where the answer goes on; "" at its end. */
  next = $state('');
  private asking = false;
  private again = false;
  private over = false;

  constructor(private readonly question: () => Promise<Page<Row>>) {}

  /** Ask now, and again whenever there is an entry about a ticket of which `about` says so. Returns what ends it. */
  follow(page: LivePage, about: (entry: Entry) => boolean): () => void {
    this.over = false;
    untrack(() => void this.renew());
    const deaf = page.hear((entries) => {
      if (entries.some(about)) void this.renew();
    });
    return () => {
      this.over = true;
      deaf();
    };
  }

  /** Nothing is known any more: something else is asked from now on. */
  forget(): void {
    this.rows = [];
    this.loaded = false;
    this.refused = null;
  }

  /** Ask anew; whoever asks while it is being asked is answered once more afterwards. */
  async renew(): Promise<void> {
    this.again = true;
    if (this.asking) return;
    this.asking = true;
    while (this.again && !this.over) {
      this.again = false;
      try {
        const page = await this.question();
        this.rows = page.items;
        this.next = page.next;
        this.refused = null;
        this.loaded = true;
      } catch (caught) {
        this.refused = caught instanceof Refused ? caught : new Refused('unreachable', String(caught));
      }
    }
    this.asking = false;
  }
}
