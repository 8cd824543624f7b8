// Address: which view of the site is open, and what is looked at in it: #/wagers?which=settled. Links are plain links, and the
// browser's back and forward do what they do.

/** The address of a view. */
export function viewHref(view: string, query: Record<string, string> = {}): string {
  const asked = new URLSearchParams(query).toString();
  return `#/${view}${asked ? `?${asked}` : ''}`;
}

export class Address {
  view = $state('');
  query = $state.raw<Record<string, string>>({});

  /** went: called whenever the address has changed. Returns what ends it. */
  listen(went: () => void): () => void {
    const read = () => {
      const [view = '', asked = ''] = location.hash.replace(/^#\/?/, '').split('?');
      this.view = view;
      this.query = Object.fromEntries(new URLSearchParams(asked));
    };
    const changed = () => {
      read();
      went();
    };
    read();
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }
}
