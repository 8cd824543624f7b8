// Flashes: what has just changed lights up for a moment, unless so much changes that nothing could be seen for it.

const FLASH_MS = 600;
const PER_SECOND_MAX = 10;

const calm = matchMedia('(prefers-reduced-motion: reduce)');
let sinceMs = -Infinity;
let count = 0;

/** Whether there is room for one more flash in this second. */
function room(): boolean {
  const nowMs = performance.now();
  if (nowMs - sinceMs > 1_000) {
    sinceMs = nowMs;
    count = 0;
  }
  return ++count <= PER_SECOND_MAX;
}

export function flash(node: Element): void {
  if (calm.matches || !room()) return;
  node.animate([{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }], { duration: FLASH_MS, easing: 'ease-out' });
}

/** An element lights up whenever what it is given is another value. */
export function flashes(node: Element, value: unknown): { update: (value: unknown) => void } {
  let before = value;
  return {
    update(after) {
      if (after !== before) flash(node);
      before = after;
    },
  };
}

/** The same where an element may come to show something else, which is no change: [of what, the value]. */
export function flashesOf(node: Element, shown: readonly [unknown, unknown]): { update: (shown: readonly [unknown, unknown]) => void } {
  let [what, value] = shown;
  return {
    update([nextWhat, next]) {
      if (nextWhat === what && next !== value) flash(node);
      [what, value] = [nextWhat, next];
    },
  };
}
