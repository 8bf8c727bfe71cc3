// Where the names stand beside the marks of the method zoo: slanted, and behind neither another name nor another mark.
// @ts-check

/** @typedef {{across: number, up: number, radius: number, name: string}} Mark its middle and its radius, in pixels */

export const SLANT = (40 * Math.PI) / 180; // of the names, upwards
const APART = 15; // pixels between the lines of two names
const LONGEST = 110; // pixels that a name takes along its line
const LETTERS = 20; // of a name beside a mark
const [SINE, COSINE] = [Math.sin(SLANT), Math.cos(SLANT)];

/**
 * A name as it stands beside a mark; all of it is in the legend.
 *
 * @param {string} title
 */
export const shortName = (title) => {
  const chinese = title.replace(/（.*）/, ""); // without its English name
  return chinese.length > LETTERS ? `${chinese.slice(0, LETTERS - 1)}…` : chinese;
};

/**
 * How wide a name is, about, in pixels.
 *
 * @param {string} name
 */
const widthOf = (name) => [...name].reduce((sum, letter) => sum + (letter > "\u2e7f" ? 13 : 8.5), 0);

/**
 * A point in the turned picture in which names run straight: how far along their lines, and how far below the first line.
 *
 * @param {{across: number, up: number}} point
 */
const turned = ({ across, up }) => ({ along: across * COSINE + up * SINE, below: across * SINE - up * COSINE });

/**
 * How far each name is moved to the right of its mark, so that names of marks that are close do not touch.
 *
 * @param {Mark[]} named
 * @returns {number[]} pixels
 */
const shifts = (named) => {
  const lines = named.map((mark) => ({ moved: 0, ...turned({ across: mark.across, up: mark.up + mark.radius }) }));
  const ordered = [...lines].sort((a, b) => a.below - b.below);
  ordered.forEach((line, n) => {
    const near = ordered.slice(0, n).filter((other) => Math.abs(other.along - line.along) < LONGEST);
    const below = Math.max(line.below, ...near.map((other) => other.below + APART));
    line.moved = (below - line.below) / SINE;
    line.below = below;
  });
  return lines.map((line) => line.moved);
};

/**
 * Whether the name of a mark runs over another mark; those that touch its own are no matter.
 *
 * @param {Mark} mark
 * @param {number} moved how far the name is moved to the right
 * @param {Mark[]} marks all that are drawn
 * @param {1 | -1} way 1 for a name that begins above its mark, -1 for one that ends below it
 */
const runsOver = (mark, moved, marks, way) => {
  const wide = widthOf(shortName(mark.name));
  const from = turned({ across: mark.across + moved, up: mark.up + way * mark.radius });
  return marks.some((other) => {
    const dot = turned(other);
    const ahead = way * (dot.along - from.along);
    const aside = Math.abs(dot.below - from.below);
    return other !== mark && aside < other.radius + APART / 2 && ahead > other.radius && ahead < wide + other.radius;
  });
};

/**
 * Where the names stand: above their marks, moved to the right of other names; below where they would run over another
 * mark; and where there is no room either, in the legend alone.
 *
 * @param {Mark[]} named marks that may have their names beside them
 * @param {Mark[]} marks all that are drawn
 * @param {{right: number, top: number}} edges of the picture, in pixels of the plot's inner part
 * @returns {{side: "above" | "below" | "legend", moved: number}[]}
 */
export const placesOf = (named, marks, edges) => {
  const moved = shifts(named);
  return named.map((mark, i) => {
    if (!runsOver(mark, moved[i], marks, 1))
      return { side: nameFits(mark, moved[i], edges) ? "above" : "legend", moved: moved[i] };
    const wide = widthOf(shortName(mark.name));
    const room = mark.across > wide * COSINE && mark.up - mark.radius > wide * SINE + APART;
    return { side: room && !runsOver(mark, 0, marks, -1) ? "below" : "legend", moved: 0 };
  });
};

/**
 * Whether a name beside its mark ends within the picture; the others are read in the legend.
 *
 * @param {Mark} mark
 * @param {number} moved how far the name is moved to the right
 * @param {{right: number, top: number}} edges of the picture, in pixels of the plot's inner part
 */
export const nameFits = ({ across, up, radius, name }, moved, { right, top }) => {
  const wide = widthOf(shortName(name));
  return across + 2 + moved + wide * COSINE + APART * SINE <= right && up + radius + wide * SINE + APART <= top;
};
