// Narrow: how much room the window has. A phone shows one thing at a time; on less than a desk's width the drawer lies over the room.

class Narrow {
  phone = $state(false);
  drawer = $state(false);

  constructor() {
    const follow = (query: string, take: (matches: boolean) => void) => {
      const media = matchMedia(query);
      media.addEventListener('change', () => take(media.matches));
      take(media.matches);
    };
    follow('(max-width: 700px)', (matches) => (this.phone = matches));
    follow('(max-width: 1100px)', (matches) => (this.drawer = matches));
  }
}

export const narrow = new Narrow();
