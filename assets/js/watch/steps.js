// The axis of steps: logarithmic by default, since most happens early.
// @ts-check

/** @import { StepScale } from "../types.js" */

const MARKS = [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 1000000];

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
  marks: logarithmic ? MARKS.filter((mark) => mark <= last) : null,
});
