// The cursor that all panels share: the cell under the pointer, else the cell that was picked.
// @ts-check

/** @import { Cursor, View } from "../types.js" */

/** @type {Readonly<Cursor>} */
export const NOTHING_PICKED = Object.freeze({ layer: null, head: null, token: null, row: null });

/**
 * The cursor of a view: what is hovered goes before what is picked.
 *
 * @param {View} view
 * @returns {Cursor & {prompt?: number}}
 */
export const cursorOf = ({ layer, head, token, row, hover }) => ({ layer, head, token, row, ...hover });
