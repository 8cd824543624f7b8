// Toasts: what has just been done, or could not be, said over the page. The newest lies uppermost.

import type { Done } from './actions.svelte';

export interface Toast {
  key: number;
  done?: Done;
  title: string;
  /** Why it could not be done. */
  failed?: string;
}

const MOST = 4;

export class Toasts {
  items = $state.raw<readonly Toast[]>([]);
  last = $state.raw<Done | null>(null);
  private keys = 0;

  tell(done: Done): void {
    this.last = done;
    this.add({ key: this.keys++, done, title: done.title });
  }

  fail(title: string, failed: string): void {
    this.add({ key: this.keys++, title, failed });
  }

  hide(toast: Toast): void {
    this.items = this.items.filter((one) => one !== toast);
  }

  private add(toast: Toast): void {
    this.items = [toast, ...this.items].slice(0, MOST);
  }
}
