// Games: what they are called. A game that has begun leaves the board, and is named all the same wherever there is money on it.

import { SvelteMap } from 'svelte/reactivity';
import { ask, type Happened, type Schemas } from './api';

export type Game = Pick<Schemas['BoardFixture'], 'fixture' | 'league' | 'sport' | 'rotation' | 'away' | 'home' | 'start_ns' | 'status'>;

export type Score = NonNullable<Schemas['ResultRow']['confirmed']>;

const AT_ONCE = 4;

const GAME_SCOPES = new Set(['fixture', 'market', 'selection']);

/** The game that an event is about, or "". */
export function gameOf(event: Happened): string {
  const found = event.fixture ?? event.market ?? (GAME_SCOPES.has(String(event.scope)) ? event.subject : '');
  return typeof found === 'string' ? (found.split(':')[0] ?? '') : '';
}

/** The games that were on the board of this page, and those that were asked for: each once. */
export class Games {
  private readonly known = new SvelteMap<string, Game>();
  private readonly asked = new Set<string>();
  private readonly waiting: string[] = [];
  private asking = 0;

  /** Keep the games of some rows. */
  learn(rows: Iterable<Game>): void {
    for (const { fixture, league, sport, rotation, away, home, start_ns, status } of rows) {
      const before = this.known.get(fixture);
      if (before?.start_ns === start_ns && before.status === status) continue;
      this.known.set(fixture, { fixture, league, sport, rotation, away, home, start_ns, status });
    }
  }

  /** Find out what a game is called that is not on the board any more. */
  want(fixture: string): void {
    if (!fixture || this.known.has(fixture) || this.asked.has(fixture)) return;
    this.asked.add(fixture);
    this.waiting.push(fixture);
    while (this.asking < AT_ONCE && this.waiting.length) void this.find();
  }

  /** The game of a market or of itself, if it is known by now. */
  of(market: string): Game | undefined {
    return this.known.get(market.split(':')[0] ?? '');
  }

  /** The game with a rotation number, of either side, that begins last; undefined if none that is known has it. */
  withRotation(number: number): Game | undefined {
    return [...this.known.values()].filter((one) => one.rotation === number || one.rotation + 1 === number).toSorted((a, b) => b.start_ns - a.start_ns)[0];
  }

  private async find(): Promise<void> {
    this.asking += 1;
    for (let fixture = this.waiting.shift(); fixture; fixture = this.waiting.shift()) {
      try {
        this.learn((await ask<Game>('board', { fixture, status: '' })).items);
      } catch {
        // It is asked for again when it is met again.
        this.asked.delete(fixture);
      }
    }
    this.asking -= 1;
  }
}
