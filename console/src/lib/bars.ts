// Bars: how long what is lost or won is drawn, against the most of all that is in sight.

const STEPS = [1, 2, 5, 10];

/** The length of a whole bar in minor units: the next round figure from the largest on, so that it seldom changes. */
export function whole(values: Iterable<number>): number {
  let most = 1;
  for (const value of values) most = Math.max(most, Math.abs(value));
  const power = 10 ** Math.floor(Math.log10(most));
  return power * (STEPS.find((step) => step * power >= most) ?? 10);
}
