// Presence: a screen that nobody has used for a while takes commands again once its person has given the password.

class Presence {
  /** Whether the password is asked for now. */
  wanted = $state(false);
  private waiting: ((given: boolean) => void)[] = [];

  /** Whether the password was given again. However many commands wait, it is asked for once. */
  prove(): Promise<boolean> {
    this.wanted = true;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** What became of it: the commands that wait are sent again, or stay as they were written. */
  answer(given: boolean): void {
    const waiting = this.waiting;
    this.waiting = [];
    this.wanted = false;
    for (const resolve of waiting) resolve(given);
  }
}

export const presence = new Presence();
