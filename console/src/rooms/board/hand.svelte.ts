// The hand: which price somebody has chosen on the board, what they have made of it, and what the engine says to that.

import { SvelteMap } from 'svelte/reactivity';
import type { Desk } from '../../lib/actions.svelte';
import { Refused, commandId, isUnsure, send } from '../../lib/api';
import { both, departed, houseLine, type Departure } from '../../lib/lines';
import type { Fixture, LivePage, Market } from '../../lib/page.svelte';
import texts from '../../texts/board';
import { asked, following, same, standing } from './draft';

export interface Chosen {
  fixture: string;
  market: string;
  /** Which of the market's sides. */
  at: number;
}

/** What the engine would do: at which position it has looked, or why it would not. */
interface Looked {
  of: string;
  position: number;
  nothing: boolean;
  refused: string;
}

export class Hand {
  chosen = $state.raw<Chosen | null>(null);
  looked = $state.raw<Looked | null>(null);
  waiting = $state(false);
  /** Whose line was touched and not yet sent; who turns to another finds it again as it was left. */
  private readonly drafts = new SvelteMap<string, Departure>();
  private looking = false;
  private again = false;
  private id = '';

  constructor(
    private readonly page: LivePage,
    private readonly desk: Desk,
  ) {}

  game(): Fixture | undefined {
    return this.page.fixtures.find((one) => one.fixture === this.chosen?.fixture);
  }

  market(): Market | undefined {
    return this.game()?.markets.find((one) => one.market === this.chosen?.market);
  }

  /** How a market would be: as it was drafted, else as it is. */
  how(one: Market): Departure {
    return this.drafts.get(one.market) ?? standing(one);
  }

  drafted(market: string): boolean {
    return this.drafts.has(market);
  }

  /** Make a draft of the chosen market. One that is as things stand is none. */
  draft(make: (one: Market, how: Departure, at: number) => Departure | null): void {
    const one = this.market();
    if (!one || !this.chosen) return;
    const how = make(one, this.how(one), this.chosen.at);
    if (!how) return;
    this.id = '';
    if (same(how, standing(one))) this.drafts.delete(one.market);
    else this.drafts.set(one.market, how);
  }

  drop(): void {
    if (this.chosen) this.drafts.delete(this.chosen.market);
    this.looked = null;
    this.id = '';
  }

  /** What is offered now, on both sides. */
  now(one: Market): string {
    return one.closed_by.startsWith('line') ? texts.offBoard : both(one, { line: one.line_quarters, prices: one.prices });
  }

  /** What would be: both sides before and after, in words. */
  words(one: Market, how: Departure): string {
    return texts.change(this.now(one), both(one, departed(houseLine(one), how)));
  }

  /** Ask the engine what it would do with the draft; asked again while it answers, once more afterwards. */
  async look(): Promise<void> {
    this.again = true;
    if (this.looking) return;
    this.looking = true;
    while (this.again) {
      this.again = false;
      const one = this.market();
      const how = one && this.drafts.get(one.market);
      if (!one || !how) {
        this.looked = null;
        break;
      }
      const of = key(one, how);
      try {
        const { outcome } = await send('MoveLine', asked(one, how), commandId(this.page.serverMs()), { preview: true });
        this.looked = { of, position: outcome.position, nothing: outcome.events.length === 0, refused: '' };
      } catch (caught) {
        this.looked = { of, position: 0, nothing: false, refused: caught instanceof Refused ? caught.message : String(caught) };
      }
    }
    this.looking = false;
  }

  /** What the engine has said to the draft as it is now; null: nothing yet. */
  said(): Looked | null {
    const one = this.market();
    return one && this.looked?.of === key(one, this.how(one)) ? this.looked : null;
  }

  /** Do what was looked at. It can be taken back as long as nobody has moved the line since. */
  async act(title: string): Promise<void> {
    const one = this.market();
    const how = one && this.drafts.get(one.market);
    const said = this.said();
    if (!one || !how || !said || said.refused || said.nothing || this.waiting) return;
    const before = standing(one);
    this.waiting = true;
    // Sent again after a lost answer it has the same id, so that it is executed once.
    const again = this.id !== '';
    this.id ||= commandId(this.page.serverMs());
    try {
      const done = await this.desk.execute(`${title}: ${this.words(one, how)}`, 'MoveLine', asked(one, how), { id: this.id, ifPosition: said.position });
      this.drafts.delete(one.market);
      this.looked = null;
      this.id = '';
      this.desk.toasts.tell({ ...done, undo: () => this.back(title, one, before, done.executed.outcome.position) });
    } catch (caught) {
      if (!isUnsure(caught, again)) this.id = '';
      if (caught instanceof Refused && caught.code === 'position_moved') {
        this.desk.toasts.fail(title, texts.moved);
        void this.look();
      } else this.desk.toasts.fail(title, caught instanceof Refused ? `${caught.message} (${caught.code})` : String(caught));
    } finally {
      this.waiting = false;
    }
  }

  /** What is hidden is brought back as the house has it. */
  async show(one: Market, title: string): Promise<void> {
    await this.desk.protect({ title: texts.back(title), command: 'MoveLine', fields: asked(one, following()), undo: () => ({ title: texts.off(title), command: 'MoveLine', fields: { market: one.market, mode: 'hide' } }) });
  }

  private async back(title: string, one: Market, before: Departure, position: number): Promise<void> {
    try {
      this.desk.toasts.tell(await this.desk.execute(texts.undone(title), 'MoveLine', asked(one, before), { ifPosition: position }));
    } catch (caught) {
      this.desk.toasts.fail(texts.undone(title), caught instanceof Refused ? `${caught.message} (${caught.code})` : String(caught));
    }
  }
}

const key = (one: Market, how: Departure): string => JSON.stringify([one.market, how, standing(one), houseLine(one)]);

