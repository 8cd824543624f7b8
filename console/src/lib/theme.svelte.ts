// Theme: light, dark, or as the system has it. Kept for this browser, whoever signs in.

import { Kept } from './kept';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const kept = new Kept('');

class Chosen {
  now = $state<Theme>('system');

  constructor() {
    const before = kept.read<string>('theme', 'system');
    this.choose(THEMES.find((one) => one === before) ?? 'system');
  }

  choose(theme: Theme): void {
    this.now = theme;
    document.documentElement.dataset.theme = theme;
    kept.write('theme', theme);
  }

  /** The next one, round and round. */
  turn(): void {
    this.choose(THEMES[(THEMES.indexOf(this.now) + 1) % THEMES.length] ?? 'system');
  }
}

export const theme = new Chosen();
