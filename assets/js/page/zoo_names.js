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
 * How far each name is moved to the right of its mark, so that it runs into no other name and over no other mark. Marks
 * that touch the one that is named are no matter: its name begins between them.
 *
 * @param {Mark[]} named marks that have their names beside them
 * @param {Mark[]} [marks] all that are drawn
 * @returns {number[]} pixels
 */
export const shifts = (named, marks = named) => {
  const lines = named.map((mark) => ({
    ...{ mark, moved: 0, wide: widthOf(shortName(mark.name)) },
    ...turned({ across: mark.across, up: mark.up + mark.radius }),
  }));
  const dots = marks.map((mark) => ({ mark, radius: mark.radius, ...turned(mark) }));
  const ordered = [...lines].sort((a, b) => a.below - b.below);
  ordered.forEach((line, n) => {
    const near = ordered.slice(0, n).filter((other) => Math.abs(other.along - line.along) < LONGEST);
    /** @param {number} below where the line would be; it then begins further along, too */
    const inTheWay = (below) => {
      const begin = line.along + ((below - line.below) * COSINE) / SINE;
      return dots.find(
        (dot) =>
          dot.mark !== line.mark &&
          Math.abs(dot.below - below) < dot.radius + APART / 2 &&
          dot.along - dot.radius > begin &&
          dot.along - dot.radius < begin + line.wide,
      );
    };
    let below = Math.max(line.below, ...near.map((other) => other.below + APART));
    for (let dot = inTheWay(below); dot; dot = inTheWay(below)) below = dot.below + dot.radius + APART / 2 + 0.01;
    line.moved = (below - line.below) / SINE;
    line.below = below;
  });
  return lines.map((line) => line.moved);
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
