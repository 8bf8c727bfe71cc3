// A run's score as text.
// @ts-check

/** @import { Say, Score } from "../types.js" */

const SHARES = ["exact_match", "accuracy"];

/**
 * One number of a score with its unit.
 *
 * @param {Score} score
 * @param {Say} say
 * @param {number} [value] the score's own, or another of its kind
 */
export const scoreText = (score, say, value = score.value) => {
  if (SHARES.includes(score.name)) return say("unit.share", { value: Math.round(100 * value) });
  if (score.name === "f1") return say("unit.f1", { value: Math.round(100 * value) });
  const digits = score.name === "pearson" ? 2 : 1;
  return say(`unit.${score.name}`, { value: value.toFixed(digits) });
};
