// Where the names stand beside the marks of the method zoo: over neither another name nor another mark.
// @ts-check

/** @typedef {{across: number, up: number, radius: number}} Disc its middle and its radius, in pixels */
/** @typedef {Disc & {name: string}} Mark a mark and the title of its method */
/** @typedef {{right: number, top: number}} Edges of the picture, in pixels from the lower left corner of the axes */
/** @typedef {{across: number, up: number, wide: number, tall: number, angle: number}} Box its middle, its sides, and how far it is turned */
/** @typedef {{xanchor: string, yanchor: string, xshift: number, yshift: number, angle: number}} Stand where a name begins, from the middle of its mark, as Plotly takes it */

const SLANT = (40 * Math.PI) / 180; // of most names, upwards
const TALL = 15; // of a line of text, in pixels
const LATIN = 8; // of a letter, about
const CHINESE = 13;
const LETTERS = 20; // of a name beside a mark
const GAP = 3; // between a mark and its name
const TIGHT = 1; // that a name keeps away from others

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
const widthOf = (name) => [...name].reduce((sum, letter) => sum + (letter > "\u2e7f" ? CHINESE : LATIN), 0);

/**
 * All the ways in which a name may stand, the better ones first: slanted above its mark or below it, as most names are,
 * then level: beside it, at its corners, over it or under it.
 *
 * @param {number} radius of the mark
 * @returns {Stand[]}
 */
const stands = (radius) => {
  const [near, beside, corner] = [radius - 2, radius + GAP, radius / Math.SQRT2];
  return [
    { xanchor: "left", yanchor: "bottom", xshift: 2, yshift: near, angle: SLANT },
    { xanchor: "right", yanchor: "top", xshift: -2, yshift: -near, angle: SLANT },
    { xanchor: "left", yanchor: "middle", xshift: beside, yshift: 0, angle: 0 },
    { xanchor: "right", yanchor: "middle", xshift: -beside, yshift: 0, angle: 0 },
    { xanchor: "left", yanchor: "top", xshift: corner, yshift: -corner, angle: 0 },
    { xanchor: "right", yanchor: "top", xshift: -corner, yshift: -corner, angle: 0 },
    { xanchor: "left", yanchor: "bottom", xshift: corner, yshift: corner, angle: 0 },
    { xanchor: "right", yanchor: "bottom", xshift: -corner, yshift: corner, angle: 0 },
    { xanchor: "center", yanchor: "bottom", xshift: 0, yshift: beside, angle: 0 },
    { xanchor: "center", yanchor: "top", xshift: 0, yshift: -beside, angle: 0 },
  ];
};

/**
 * The box that a name takes.
 *
 * @param {Mark} mark
 * @param {Stand} stand
 * @returns {Box}
 */
const boxOf = (mark, { xanchor, yanchor, xshift, yshift, angle }) => {
  const [sine, cosine, wide] = [Math.sin(angle), Math.cos(angle), widthOf(shortName(mark.name))];
  /** @type {Record<string, number>} */
  const ways = { left: 0.5, bottom: 0.5, center: 0, middle: 0, right: -0.5, top: -0.5 };
  return {
    across: mark.across + xshift + ways[xanchor] * (wide * cosine + TALL * sine),
    up: mark.up + yshift + ways[yanchor] * (wide * sine + TALL * cosine),
    ...{ wide, tall: TALL, angle },
  };
};

/**
 * The corners of a box.
 *
 * @param {Box} box
 */
const cornersOf = ({ across, up, wide, tall, angle }) => {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  return [
    [wide, tall],
    [wide, -tall],
    [-wide, tall],
    [-wide, -tall],
  ].map(([along, aside]) => ({
    across: across + (along * cosine - aside * sine) / 2,
    up: up + (along * sine + aside * cosine) / 2,
  }));
};

/**
 * A point as a box sees it: how far along it and aside of it, from its middle.
 *
 * @param {Box} box
 * @param {{across: number, up: number}} point
 */
const seenFrom = (box, point) => {
  const [x, y] = [point.across - box.across, point.up - box.up];
  const [sine, cosine] = [Math.sin(box.angle), Math.cos(box.angle)];
  return { along: x * cosine + y * sine, aside: y * cosine - x * sine };
};

/**
 * Whether a name runs over a mark.
 *
 * @param {Box} box
 * @param {Disc} disc
 */
const runsOver = (box, disc) => {
  const { along, aside } = seenFrom(box, disc);
  const beyond = [Math.abs(along) - box.wide / 2, Math.abs(aside) - box.tall / 2].map((one) => Math.max(0, one));
  return Math.hypot(...beyond) < disc.radius + TIGHT;
};

/**
 * Whether two names touch: no line along a side of one of them has each on a side of its own.
 *
 * @param {Box} one
 * @param {Box} other
 */
const touch = (one, other) =>
  [
    [one, other],
    [other, one],
  ].every(([box, next]) => {
    const seen = cornersOf(next).map((corner) => seenFrom(box, corner));
    /** @param {number[]} places @param {number} half */
    const meets = (places, half) => Math.min(...places) < half + TIGHT && Math.max(...places) > -half - TIGHT;
    const along = seen.map((point) => point.along);
    const aside = seen.map((point) => point.aside);
    return meets(along, box.wide / 2) && meets(aside, box.tall / 2);
  });

/**
 * Whether a name lies within the picture.
 *
 * @param {Box} box
 * @param {Edges} edges
 */
const inside = (box, { right, top }) =>
  cornersOf(box).every(({ across, up }) => across >= 0 && across <= right && up >= 0 && up <= top);

/**
 * Where the names stand; null for one that has no room and is read in the legend.
 *
 * Names that have the fewest places to choose from choose first.
 *
 * @param {Mark[]} named marks that may have their names beside them
 * @param {Disc[]} discs all that no name may run over, those marks among them
 * @param {Edges} edges
 * @returns {(Stand | null)[]}
 */
export const placesOf = (named, discs, edges) => {
  const free = named.map((mark) =>
    stands(mark.radius)
      .map((stand) => ({ stand, box: boxOf(mark, stand) }))
      .filter(({ box }) => inside(box, edges) && !discs.some((disc) => disc !== mark && runsOver(box, disc))),
  );
  /** @type {Box[]} */
  const taken = [];
  /** @type {(Stand | null)[]} */
  const places = named.map(() => null);
  for (const n of [...named.keys()].sort((i, j) => free[i].length - free[j].length || i - j)) {
    const choice = free[n].find(({ box }) => !taken.some((other) => touch(box, other)));
    if (!choice) continue;
    taken.push(choice.box);
    places[n] = choice.stand;
  }
  return places;
};
