// Keys: what each press does now. Whoever is on the page brings its own and takes them away with it; the newest goes first.

import { untrack } from 'svelte';

export interface Key {
  /** One press or two after each other: `s`, `?`, `Ctrl+k`, `Alt+ArrowUp`, `g b`. Ctrl is the Mac's command key too. */
  press: string;
  /** What it does, in words: it stands in the sheet. */
  says: string;
  run: (event: KeyboardEvent) => void;
  /** Whether it works also while somebody types. */
  typing?: boolean;
}

interface Scope {
  /** Whose keys these are, as the sheet calls them. */
  name: string;
  keys: Key[];
}

const SECOND_PRESS_MS = 1_000;
const MODIFIERS = new Set(['Shift', 'Control', 'Alt', 'Meta', 'AltGraph']);

/** A press by its name; "" for a modifier alone. */
function pressed(event: KeyboardEvent): string {
  const { key, code, altKey, shiftKey } = event;
  if (MODIFIERS.has(key)) return '';
  const command = event.ctrlKey || event.metaKey;
  // With a modifier a letter may give something else than what stands on its key.
  const letter = (command || altKey) && /^Key[A-Z]$/.test(code) ? code.slice(3).toLowerCase() : key === ' ' ? 'Space' : key;
  const shifted = shiftKey && (letter.length > 1 || command || altKey);
  return [command && 'Ctrl', altKey && 'Alt', shifted && 'Shift', letter].filter(Boolean).join('+');
}

function isTyped(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

class Keys {
  scopes = $state.raw<Scope[]>([]);
  private first = '';
  private firstUntilMs = 0;

  /** Bring keys. Returns what takes them away. */
  add(name: string, keys: Key[]): () => void {
    const scope = { name, keys };
    // Whoever brings keys in an effect does not follow those of others.
    untrack(() => (this.scopes = [scope, ...this.scopes]));
    return () => (this.scopes = this.scopes.filter((one) => one !== scope));
  }

  /** Do what a press says, unless it is meant for something else. */
  take(event: KeyboardEvent): void {
    const press = pressed(event);
    // An open dialog has keys of its own only.
    if (!press || event.isComposing || event.defaultPrevented || document.querySelector('dialog:modal')) return;
    const typed = isTyped(event.target);
    const all = this.scopes.flatMap((scope) => scope.keys).filter((key) => !typed || key.typing);
    const sequence = event.timeStamp < this.firstUntilMs ? `${this.first} ${press}` : press;
    this.first = '';
    this.firstUntilMs = 0;
    const found = all.find((key) => key.press === sequence);
    if (found) {
      event.preventDefault();
      found.run(event);
    } else if (all.some((key) => key.press.startsWith(`${press} `))) {
      this.first = press;
      this.firstUntilMs = event.timeStamp + SECOND_PRESS_MS;
    }
  }
}

export const keys = new Keys();

const SIGNS: Record<string, string> = { ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc' };

/** A press as it is read: Ctrl K, g b, Alt ↑. */
export function readable(press: string): string {
  return press.replace(/[A-Za-z]+/g, (word) => SIGNS[word] ?? word).replaceAll('+', ' ');
}
