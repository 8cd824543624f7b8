// Kept: what a user has chosen for their own eyes (theme, columns, filters), in this browser. A browser that keeps nothing forgets.

const PREFIX = 'runline';

export class Kept {
  /** whose: the book and the user, or "" for whoever sits here. */
  constructor(private readonly whose: string) {}

  read<Value>(name: string, otherwise: Value): Value {
    try {
      const text = localStorage.getItem(this.key(name));
      return text === null ? otherwise : (JSON.parse(text) as Value);
    } catch {
      return otherwise;
    }
  }

  write(name: string, value: unknown): void {
    try {
      localStorage.setItem(this.key(name), JSON.stringify(value));
    } catch {
      // Full, or not allowed: it is as it was next time.
    }
  }

  private key(name: string): string {
    return [PREFIX, this.whose, name].filter(Boolean).join('.');
  }
}
