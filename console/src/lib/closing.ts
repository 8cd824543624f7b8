// Closing a dialog. Its own event `close` comes a moment after it is closed, and would also close what was opened within that moment.

export interface Closing {
  /** Close it, and say so at once. */
  shut: () => void;
  /** What the dialog listens to. */
  on: { oncancel: (event: Event) => void; onclose: () => void };
}

/** How a dialog closes, by Escape and by its buttons. closed: what is so from then on. */
export function closing(dialog: () => HTMLDialogElement | null | undefined, closed: () => void): Closing {
  function shut(): void {
    dialog()?.close();
    closed();
  }
  return {
    shut,
    on: {
      oncancel(event) {
        // A field may be cancelled within it, too.
        if (event.target !== dialog()) return;
        event.preventDefault();
        shut();
      },
      // The browser closes it itself if it was cancelled twice and nothing was done in between.
      onclose() {
        if (dialog()?.open === false) closed();
      },
    },
  };
}
