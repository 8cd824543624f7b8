// Asked: what a query has answered, asked again when something happens that may change it. Never on a timer.

import { untrack } from 'svelte';
import { Refused, type Page } from './api';
import type { Entry } from './entries';
import type { LivePage } from './page.svelte';

/** Between two answers there is a rest, at least so long, and as long as answering took: who asks all the time is told to wait. */
const REST_MS = 500;
const REST_MS_MAX = 5_000;

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
  /** Grows when something else is asked: an answer to what was asked before is none. */
  private round = 0;
  /** Ends the rest between two answers. */
  private wake: () => void = () => undefined;

  constructor(private readonly question: () => Promise<Page<Row>>) {}

  /** Ask now, and again whenever there is an entry about a ticket of which `about` says so. Returns what ends it. */
  follow(page: LivePage, about: (entry: Entry) => boolean): () => void {
    this.over = false;
    this.wake();
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
    this.round += 1;
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
      const [round, beganMs] = [this.round, performance.now()];
      try {
        const page = await this.question();
        if (round !== this.round) continue;
        this.rows = page.items;
        this.next = page.next;
        this.refused = null;
        this.loaded = true;
      } catch (caught) {
        // Somebody who has asked much waits; what was known stays.
        this.again ||= caught instanceof Refused && caught.code === 'busy';
        if (!this.again && round === this.round) this.refused = caught instanceof Refused ? caught : new Refused('unreachable', String(caught));
      }
      await this.rest(performance.now() - beganMs);
    }
    this.asking = false;
  }

  private rest(tookMs: number): Promise<void> {
    return new Promise((resolve) => {
      const resting = window.setTimeout(resolve, Math.min(Math.max(tookMs, REST_MS), REST_MS_MAX));
      this.wake = () => {
        window.clearTimeout(resting);
        resolve();
      };
    });
  }
}
