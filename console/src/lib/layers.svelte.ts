// Layers: what this stream has suspended by itself. Only these can be taken away here; the house's close too, and are shown.

import { untrack } from 'svelte';
import { ask, type Schemas } from './api';
import type { LivePage } from './page.svelte';

export type Layer = Schemas['SuspensionRow'];

const MOST = 1_000;

export class Layers {
  rows = $state.raw<readonly Layer[]>([]);
  /** Those that were closed in a hurry, and nobody has said why. */
  readonly owed = $derived(this.rows.filter((one) => one.owes_reason));
  private readonly names = $derived(new Set(this.rows.map((one) => `${one.scope} ${one.subject}`)));
  private asking = false;
  private again = false;

  /** Ask for them anew whenever something on the board closes or opens, when a suspension is told, and after whatever was done here. */
  follow(page: LivePage, done: () => unknown): void {
    $effect(() => {
      void [page.closings, page.notices.find((one) => one.kind === 'suspension')?.seq, done()];
      if (page.may('suspend') && page.loaded) untrack(() => void this.renew());
    });
  }

  /** Whether there is such a layer. */
  has(scope: string, subject: string): boolean {
    return this.names.has(`${scope} ${subject}`);
  }

  private async renew(): Promise<void> {
    this.again = true;
    if (this.asking) return;
    this.asking = true;
    while (this.again) {
      this.again = false;
      const found = await ask<Layer>('suspensions', { limit: MOST }).catch(() => null);
      if (found) this.rows = found.items;
    }
    this.asking = false;
  }
}
