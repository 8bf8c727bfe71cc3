// Small copies of a picture, each under a map of its patches.
// @ts-check

import { fitCanvas, pointOn } from "../../common/canvas.js";
import { el } from "../../common/dom.js";
import { figure } from "../../common/text.js";

/** @import { Cursor, Palette, PanelContext, ReportMap } from "../../types.js" */
/** @typedef {{picture: HTMLImageElement, side: number, at: Cursor, palette: Palette}} Look how the tiles are drawn */
/** @typedef {{button: HTMLButtonElement, canvas: HTMLCanvasElement}} Tile */

export const CLASS_TOKEN = 0;

const SIZE = 92;
const VEIL = 0.9; // opacity over the patch with the largest value

/**
 * @param {string} name
 * @param {(x: number | null, y: number) => void} hover with a place on the picture, 0 to 1, or null when the pointer leaves
 * @param {(x: number | null, y: number) => void} pick with a place on the picture, or null beside it
 * @returns {Tile}
 */
const createTile = (name, hover, pick) => {
  const canvas = el("canvas", { width: SIZE, height: SIZE });
  const properties = { type: "button", class: "gl-patches-tile", title: name };
  const button = el("button", properties, canvas, el("span", { text: name }));
  /**
   * @param {MouseEvent} event
   * @returns {[x: number, y: number]}
   */
  const share = (event) => {
    const { x, y } = pointOn(canvas, event);
    return [x / canvas.clientWidth, y / canvas.clientHeight];
  };
  canvas.addEventListener("pointermove", (event) => hover(...share(event)));
  canvas.addEventListener("pointerleave", () => hover(null, 0));
  button.addEventListener("click", (event) => {
    if (event.target === canvas) pick(...share(event));
    else pick(null, 0);
  });
  return { button, canvas };
};

/**
 * Draw the picture with a veil over each patch, the denser the larger its value; without values, the picture alone.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number[] | undefined} values one per token
 * @param {[least: number, most: number]} ends of the scale
 * @param {Look} look
 */
const paint = (canvas, values, [least, most], { picture, side, at, palette }) => {
  const context = fitCanvas(canvas, SIZE, SIZE);
  context.imageSmoothingEnabled = picture.naturalWidth > SIZE;
  context.filter = values ? "grayscale(1)" : "none";
  context.drawImage(picture, 0, 0, SIZE, SIZE);
  context.filter = "none";
  /** @param {number} index */
  const edge = (index) => Math.round((SIZE * index) / side);
  values?.forEach((value, token) => {
    if (token === CLASS_TOKEN) return;
    const [row, column] = [Math.floor((token - 1) / side), (token - 1) % side];
    const [x, y, wide, high] = [edge(column), edge(row), edge(column + 1) - edge(column), edge(row + 1) - edge(row)];
    context.globalAlpha = VEIL * ((value - least) / Math.max(1e-9, most - least));
    context.fillStyle = palette.tuned;
    context.fillRect(x, y, wide, high);
    context.globalAlpha = 1;
    if (token !== at.token) return;
    context.strokeStyle = palette.ink;
    context.lineWidth = 2;
    context.strokeRect(x + 1, y + 1, wide - 2, high - 2);
  });
};

/**
 * The tiles of one map.
 *
 * @param {PanelContext} ctx
 * @param {(x: number | null, y: number) => number | null} tokenAt the patch at a place on the picture
 */
export const createTiles = (ctx, tokenAt) => {
  const host = el("div", { class: "gl-patches" });
  let drawn = "";
  /** @type {Tile[]} */
  let tiles = [];
  /** @type {(index: number) => {layer?: number | null}} */
  let layerOf = () => ({});

  /** @param {string[]} names */
  const fill = (names) => {
    if (drawn === names.join()) return;
    drawn = names.join();
    tiles = names.map((name, index) =>
      createTile(
        name,
        (x, y) => ctx.set({ hover: x === null ? null : { ...layerOf(index), token: tokenAt(x, y) } }),
        (x, y) => ctx.set({ ...layerOf(index), ...(x === null ? {} : { token: tokenAt(x, y) }) }),
      ),
    );
    host.replaceChildren(...tiles.map((tile) => tile.button));
  };

  /**
   * Draw one tile per row of a map; returns the ends of their scale. The class token, whose value often stands out, does
   * not count for the scale.
   *
   * @param {ReportMap} map
   * @param {string} bare name of a first tile with the picture alone; none if empty
   * @param {Look} look
   */
  const draw = (map, bare, look) => {
    const before = bare ? 1 : 0;
    fill([...(bare ? [bare] : []), ...map.names]);
    layerOf = (index) => (map.layers ? { layer: map.layers[index - before] ?? null } : {});
    const values = map.grid.flatMap((row) => row.slice(CLASS_TOKEN + 1));
    /** @type {[least: number, most: number]} */
    const ends = [Math.min(...values), Math.max(...values)];
    tiles.forEach(({ button, canvas }, index) => {
      const layer = map.layers?.[index - before];
      paint(canvas, map.grid[index - before], ends, look);
      button.setAttribute("aria-pressed", String(layer !== undefined && layer === look.at.layer));
    });
    return { least: figure(ends[0], 2), most: figure(ends[1], 2) };
  };
  return { host, draw };
};
