// The axis of steps: logarithmic by default, since most happens early.
// @ts-check

/** @import { StepScale } from "../types.js" */

const DECADES = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
const CROWDED = 10_000; // from this last step on, an axis has room for whole decades only

/**
 * The steps that a logarithmic axis names: 1 and 3 of each decade, or only 1 where there are many.
 *
 * @param {number} last
 */
const marksUpTo = (last) => {
  const marks = last < CROWDED ? DECADES.flatMap((decade) => [decade, 3 * decade]) : DECADES;
  return [0, ...marks].filter((mark) => mark <= last);
};

/**
 * A step as an axis names it: 300, 3000, 10k, 1M.
 *
 * @param {number} step
 */
export const stepName = (step) => {
  if (step < CROWDED) return String(step);
  return step < 1_000_000 ? `${step / 1000}k` : `${step / 1_000_000}M`;
};

/**
 * Maps steps to positions on an axis. Position is log10(1 + step) on a logarithmic axis, the step itself on a linear one.
 *
 * @param {boolean} logarithmic
 * @param {number} last the last step on the axis
 * @returns {StepScale}
 */
export const stepScale = (logarithmic, last) => ({
  of: logarithmic ? (step) => Math.log10(1 + step) : (step) => step,
  back: (position) => Math.max(0, Math.round(logarithmic ? 10 ** position - 1 : position)),
  marks: logarithmic ? marksUpTo(last) : null,
});
