// Types of the events of a run: the same kinds and fields as in engine/telemetry.
// @ts-check

/** @typedef {number[][]} Grid rows of values */

/** @typedef {{step: number, steps: number, trainable: number, total: number, wall: number}} StartedEvent */
/**
 * @typedef {{
 *   step: number, loss: number, lr: number, grad_norm: number, tokens_per_s: number, wall_s: number,
 * }} LossEvent
 */
/**
 * @typedef {{
 *   step: number, validation_loss: number, base_ability_loss: number | null, score?: number | null,
 *   score_name?: string,
 * }} EvalEvent
 */
/**
 * @typedef {{
 *   step: number, groups: string[], grad_norms: number[], update_norms: number[], norms: number[],
 * }} MovedEvent
 */
/** @typedef {{step: number, prompt: string, answer: string, reference: string, picture?: string, mark?: number[]}} SampleEvent */
/** @typedef {{step: number}} SnapshotEvent */
/** @typedef {{step: number, status: string, message?: string}} StatusEvent */
/** @typedef {{step: number, layers: number[], gate: Grid, grad: Grid, shared: boolean}} GateEvent */
/** @typedef {{step: number, layers: number[], targets: string[], ratio: Grid}} UpdateEvent */
/**
 * @typedef {{
 *   step: number, norms: number[], drift: number[], words: string[][], cosines: Grid, usual_norm: number,
 *   usual_cosine: number, stride?: number | null,
 * }} PromptEvent
 */
/**
 * @typedef {{
 *   step: number, words: string[], same: boolean, place: number | null, before: string, loss: number | null,
 *   candidates: string[], predicted: number[], actual: number[], taken: number | null,
 * }} TriggerEvent
 */
/**
 * @typedef {{
 *   step: number, keys: number[], values: number[], norm: number, moved: number, stride: number,
 * }} PrefixEvent
 */
/** @typedef {{step: number, mass: Grid, even: number}} MassEvent */
/** @typedef {{step: number, layers: number[], targets: string[], ranks: Grid, mean: number}} RankEvent */
/** @typedef {{step: number, layers: number[], parts: string[], share: Grid, asleep: Grid}} AdapterEvent */
/** @typedef {{step: number, norms: string[], gamma: number[], beta: number[]}} NormEvent */
/**
 * @typedef {{
 *   step: number, layers: number[], targets: string[], pools: string[], counts: Grid[], chi_square: Grid,
 *   cosine: Grid,
 * }} ExpertEvent
 */
/** @typedef {{step: number, tokens: string[], between: number[], from_average: number[]}} AgreementEvent */
/**
 * @typedef {{
 *   step: number, layers: number[], targets: string[], off: Grid, flipped: Grid, threshold: number,
 *   edges: number[], counts: number[],
 * }} MaskEvent
 */
/** @typedef {{step: number, base_share: number, grad: number}} SideEvent */
/** @typedef {{step: number, ratio: number, cosine: number, base: number, side: number}} BlendEvent */
/** @typedef {{step: number, layers: number[], kept: number[], grad: number[]}} LadderEvent */
/** @typedef {{step: number, layers: number[], fresh: number[], added: number}} RungEvent */

/**
 * @typedef {object} EventsByKind
 * @property {StartedEvent} started
 * @property {LossEvent} loss
 * @property {EvalEvent} eval
 * @property {MovedEvent} moved
 * @property {SampleEvent} sample
 * @property {SnapshotEvent} snapshot
 * @property {StatusEvent} status
 * @property {GateEvent} gates
 * @property {UpdateEvent} updates
 * @property {RankEvent} ranks
 * @property {PromptEvent} prompt
 * @property {TriggerEvent} trigger
 * @property {PrefixEvent} prefix
 * @property {MassEvent} mass
 * @property {AdapterEvent} adapters
 * @property {NormEvent} norms
 * @property {ExpertEvent} experts
 * @property {AgreementEvent} agreement
 * @property {MaskEvent} masks
 * @property {SideEvent} side
 * @property {BlendEvent} blend
 * @property {LadderEvent} ladder
 * @property {RungEvent} rungs
 */
/** @typedef {keyof EventsByKind} Kind */

export {};
