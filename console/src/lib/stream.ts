// The live stream: frames as they come, resumed by their ids; it says what it knows about its own freshness.

import texts from '../texts/door';

export interface Frame {
  kind: 'image' | 'delta' | 'heartbeat' | 'reset';
  id: string;
  data: {
    position?: number;
    from?: number;
    to?: number;
    house?: number;
    house_from?: number;
    at_ns?: number;
    server_ns?: number;
    reason?: string;
    topics?: Record<string, unknown>;
  };
}

export interface Listener {
  frame(frame: Frame): void;
  /** The connection has ended; it comes back by itself. */
  lost(why: string): void;
  /** The server does not let this screen in. */
  refused(code: string, message: string): void;
}

const RETRY_MS = [100, 250, 500, 1_000, 2_000];

function parse(block: string): Frame | null {
  const frame: Frame = { kind: 'delta', id: '', data: {} };
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) frame.id = line.slice(4);
    else if (line.startsWith('event: ')) frame.kind = line.slice(7) as Frame['kind'];
    else if (line.startsWith('data: ')) frame.data = JSON.parse(line.slice(6));
  }
  return block.includes('data: ') ? frame : null;
}

export class Stream {
  private ended = new AbortController();
  private lastId = '';
  /** Where the last frame with an id has ended: what follows must not begin behind it. */
  private place = { position: 0, house: 0 };

  constructor(
    private readonly topics: string[],
    private readonly node: string,
    private readonly listener: Listener,
  ) {
    void this.run();
  }

  close(): void {
    this.ended.abort();
  }

  private async run(): Promise<void> {
    let tries = 0;
    while (!this.ended.signal.aborted) {
      try {
        if (!(await this.follow(() => (tries = 0)))) return;
      } catch {
        if (this.ended.signal.aborted) return;
        this.listener.lost(texts.why.unreachable);
      }
      const pause = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)] ?? 1_000;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** Whether a frame goes on where the last one has ended. (It may begin before: nothing was to be told between.) */
  private joins({ kind, id, data }: Frame): boolean {
    if (!id) return true;
    const { position, house } = this.place;
    if (kind !== 'image' && ((data.from ?? 0) > position || (data.house_from ?? 0) > house)) return false;
    this.lastId = id;
    this.place = { position: data.to ?? data.position ?? 0, house: data.house ?? 0 };
    return true;
  }

  /** One connection, to its end; false if there is no use in coming back. */
  private async follow(alive: () => void): Promise<boolean> {
    const headers: Record<string, string> = this.lastId ? { 'last-event-id': this.lastId } : {};
    const query = new URLSearchParams({ topics: this.topics.join(','), node: this.node });
    const response = await fetch(`/v1/stream?${query}`, {
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: this.ended.signal,
    });
    if (!response.ok || !response.body) {
      const error = (await response.json().catch(() => ({}))).error ?? {};
      if (response.status >= 500 || response.status === 429) {
        this.listener.lost(error.message ?? texts.why.answered(response.status));
        return true;
      }
      this.listener.refused(error.code ?? `http_${response.status}`, error.message ?? texts.refuses);
      return false;
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const frame = parse(block);
        if (!frame) continue;
        alive();
        if (!this.joins(frame)) {
          this.lastId = '';
          this.place = { position: 0, house: 0 };
          await reader.cancel();
          this.listener.lost(texts.why.gap);
          return true;
        }
        this.listener.frame(frame);
      }
    }
    if (!this.ended.signal.aborted) this.listener.lost(texts.why.over);
    return true;
  }
}
