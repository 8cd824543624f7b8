// The bell: a short tone that the browser makes, higher the larger the wager. Nothing sounds before somebody has asked for it.

const TONE_S = 0.18;
/** Of many at once one is heard. */
const BETWEEN_S = 0.25;
const LOUDNESS = 0.12;
const LOWEST_HZ = 440;
const OCTAVES_MAX = 2;

export class Bell {
  private context: AudioContext | null = null;
  private untilS = 0;

  /** share: how many times as much is risked as is needed to be heard. */
  ring(share: number): void {
    const context = (this.context ??= new AudioContext());
    // A browser lets no page sound before somebody has touched it.
    if (context.state === 'suspended') void context.resume();
    const at = context.currentTime;
    if (at < this.untilS) return;
    this.untilS = at + BETWEEN_S;
    const tone = new OscillatorNode(context, { type: 'sine', frequency: LOWEST_HZ * 2 ** Math.min(Math.log10(Math.max(share, 1)), OCTAVES_MAX) });
    const loudness = new GainNode(context, { gain: LOUDNESS });
    loudness.gain.setValueAtTime(LOUDNESS, at);
    loudness.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
    tone.connect(loudness).connect(context.destination);
    tone.start(at);
    tone.stop(at + TONE_S);
  }

  /** Be silent for good. */
  close(): void {
    void this.context?.close();
    this.context = null;
  }
}
