// The tape: what the ticker shows. It begins with what history has, goes on with what happens, and further back as far as somebody
// scrolls. It stands still while somebody points at it, reads further down, or has paused it; what comes meanwhile waits.

import { ask, Refused, type Schemas } from '../../lib/api';
import type { Entry } from '../../lib/entries';
import { kindOf } from '../../lib/market';
import type { LivePage } from '../../lib/page.svelte';
import { endOf, ofEntry, ofTicket, type Row } from './rows';
import { passing, questionOf, type Wanted } from './wanted';

/** Rows of a page of history. */
const PAGE_ROWS = 200;
/** So many of the newest rows stay while everything comes and goes; as many wait at most. */
export const LIVE_ROWS = 1_000;
/** So many rows are there at most while somebody reads further back; then the list begins anew from there on. */
export const ROWS_MAX = 10_000;

export type View = 'placed' | 'settled';
export type Hold = 'pressed' | 'pointed' | 'scrolled';

export class Tape {
  rows = $state.raw<readonly Row[]>([]);
  loaded = $state(false);
  /** Why there is nothing to show, where what is wanted is wrong. */
  why = $state('');
  /** Why history could not be read. */
  short = $state('');
  /** Why it stands still. */
  holds = $state.raw<ReadonlySet<Hold>>(new Set());
  /** How many have come since it stands still. */
  waiting = $state(0);
  /** Grows with each list that begins anew, not at what is newest. */
  part = $state(0);
  readonly still = $derived(this.holds.size > 0 || this.part > 0);
  /** Whether there are more rows than are kept: what is older is a list of its own. */
  readonly full = $derived(this.rows.length >= ROWS_MAX);

  private view: View = 'placed';
  private wanted: Wanted = {};
  private question: Record<string, string> = {};
  /** Behind which ticket history goes on; "" at its end. */
  private next = '';
  private asking = false;
  /** Whether history is asked for the newest: what comes meanwhile waits for its answer. */
  private beginning = false;
  private round = 0;
  /** Up to where history has told everything. */
  private toldTo = 0;
  /** Whether something may have been missed that only history knows. */
  private gap = false;
  /** What has come while it stands still, or while history is asked, the newest first. */
  private came: Row[] = [];

  constructor(
    private readonly page: LivePage,
    /** Told of wagers that are placed now. */
    private readonly heard: (rows: readonly Row[]) => void,
  ) {}

  /** Whether there is something further back. */
  get goesOn(): boolean {
    return this.next !== '';
  }

  /** Follow what is wanted. Returns what ends it. */
  follow(view: View, wanted: Wanted): () => void {
    this.view = view;
    this.wanted = wanted;
    this.rows = [];
    this.loaded = false;
    void this.begin();
    const deaf = this.page.hear((entries) => this.take(entries));
    return () => {
      this.round += 1;
      deaf();
    };
  }

  hold(why: Hold, on: boolean): void {
    if (this.holds.has(why) === on) return;
    const holds = new Set(this.holds);
    if (on) holds.add(why);
    else holds.delete(why);
    this.holds = holds;
    if (!this.still) this.resume();
  }

  /** The stream has begun anew: what has happened in between only history knows. */
  missed(): void {
    this.gap = true;
    if (!this.still) this.resume();
  }

  /** Go on with what has come meanwhile. */
  resume(): void {
    this.holds = new Set();
    // More has come than has waited: history knows it.
    if (this.part || this.gap || this.waiting > LIVE_ROWS) void this.begin();
    else this.goOn();
  }

  /** Show what is further back; after it could not be read, only once somebody wants it `again`. */
  async older(again = false): Promise<void> {
    if (again && this.short && !this.next) return this.begin();
    if (!this.next || this.asking || this.full || (this.short && !again)) return;
    this.short = '';
    await this.read(this.round, this.rows.length + PAGE_ROWS);
  }

  /** Begin anew with what is further back than all that is kept. */
  async onward(): Promise<void> {
    const round = ++this.round;
    this.rows = [];
    this.loaded = false;
    this.part += 1;
    await this.read(round, PAGE_ROWS, true);
  }

  private async begin(): Promise<void> {
    const round = ++this.round;
    const asked = questionOf(this.page, this.wanted);
    this.came = [];
    this.waiting = 0;
    this.part = 0;
    this.next = '';
    this.toldTo = 0;
    this.gap = false;
    this.short = '';
    this.why = typeof asked === 'string' ? asked : '';
    this.question = typeof asked === 'string' ? {} : asked;
    this.beginning = false;
    if (this.why) this.rows = [];
    this.loaded ||= !!this.why;
    if (this.why) return;
    if (this.view === 'settled') return this.recall();
    this.beginning = true;
    const toldTo = await this.read(round, PAGE_ROWS, true);
    if (round !== this.round) return;
    this.beginning = false;
    if (toldTo) this.toldTo = toldTo;
    else this.recall();
    this.came = this.came.filter((row) => row.seq > this.toldTo);
    this.waiting = this.came.length;
    if (!this.still) this.goOn();
  }

  /** Begin with what the page has heard lately. */
  private recall(): void {
    const lately = this.view === 'settled' ? this.page.settled : this.page.wagers;
    this.rows = lately.map((entry) => ofEntry(entry, this.page.games)).filter(passing(this.page, this.wanted, this.question));
    this.toldTo = lately[0]?.seq ?? 0;
    this.loaded = true;
  }

  /** Pages of history until there are so many rows, or no more, anew or behind those that are there. Returns the position of the
   *  first page, 0 if there was no answer. */
  private async read(round: number, rows: number, anew = false): Promise<number> {
    this.asking = true;
    let position = 0;
    try {
      do {
        const asked = { ...this.question, limit: PAGE_ROWS, ...(position ? {} : { at_least: this.page.position }), ...(this.next ? { after: this.next } : {}) };
        const found = await ask<Schemas['WagerRow']>('wagers', asked);
        if (round !== this.round) return position;
        const before = anew && !position ? [] : this.rows;
        position ||= found.position;
        for (const one of found.items) this.page.games.want(one.fixture);
        const more = found.items.map((one) => ofTicket(one, this.page.games));
        this.rows = [...before, ...(this.wanted.kind ? more.filter((row) => kindOf(row.market) === this.wanted.kind) : more)].slice(0, ROWS_MAX);
        this.next = found.next;
      } while (this.next && this.rows.length < rows);
    } catch (caught) {
      if (round === this.round) this.short = caught instanceof Refused ? caught.message : String(caught);
    } finally {
      if (round === this.round) {
        this.loaded = true;
        this.asking = false;
      }
    }
    return position;
  }

  private take(entries: Entry[]): void {
    const ends = new Map<number, string>();
    const fresh: Row[] = [];
    const passes = passing(this.page, this.wanted, this.question);
    for (const entry of entries) {
      const end = endOf(entry);
      if (end !== null) ends.set(Number(entry.event.wager), end);
      if (entry.seq <= this.toldTo || (entry.event.type === 'WagerSettled') !== (this.view === 'settled')) continue;
      const row = ofEntry(entry, this.page.games);
      if (passes(row)) fresh.push(row);
    }
    if (ends.size && this.view === 'placed') this.end(ends);
    if (!fresh.length || this.why) return;
    fresh.reverse();
    this.came = [...fresh, ...this.came].slice(0, LIVE_ROWS);
    this.waiting += fresh.length;
    this.heard(fresh);
    if (!this.still && !this.beginning) this.goOn();
  }

  /** Say of the tickets that were placed how they have ended. */
  private end(ends: ReadonlyMap<number, string>): void {
    const ended = (row: Row) => (row.type === 'WagerPlaced' && ends.has(row.number) ? { ...row, result: ends.get(row.number) ?? '' } : row);
    if (this.rows.some((row) => ends.has(row.number))) this.rows = this.rows.map(ended);
    this.came = this.came.map(ended);
  }

  /** Show what has come. */
  private goOn(): void {
    const rows = [...this.came, ...this.rows];
    if (rows.length > LIVE_ROWS && this.view === 'placed') {
      // History goes on behind the last ticket that is kept; what was asked for further back is not wanted any more.
      this.round += 1;
      this.asking = false;
      this.rows = rows.slice(0, LIVE_ROWS);
      this.next = String(this.rows.findLast((row) => row.type === 'WagerPlaced')?.number ?? this.next);
    } else this.rows = rows.slice(0, LIVE_ROWS);
    this.came = [];
    this.waiting = 0;
  }
}
