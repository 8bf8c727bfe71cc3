// Types that several files share: answers of the server, the view of Watch, panels and their parts.
// @ts-check

/** @import { EventsByKind, Grid, Kind } from "./event_types.js" */
/** @import { Tape } from "./watch/tape.js" */

// Words ---------------------------------------------------------------------------------------------------------------

/** @typedef {Record<string, string>} Words sentences of the page by key, in the page's language */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Values what a sentence's placeholders stand for */
/** @typedef {(key: string, values?: Values) => string} Say a sentence by its key, with its values */

// Answers of the server ------------------------------------------------------------------------------------------------

/**
 * What was asked for, or a sentence on what went wrong.
 *
 * @template T
 * @typedef {(T & {error?: undefined}) | {error: string}} Answer
 */
/** @typedef {{method: string, method_settings?: {vision?: string}}} RunConfig */
/**
 * What a run came to on test rows.
 *
 * @typedef {object} Score
 * @property {string} name "exact_match", "accuracy", "f1", "pearson", "bleu" or "chrf"
 * @property {number} value
 * @property {number} baseline the same of what it is compared with
 * @property {string} against "untuned", "constant", "withheld" or "sentence"
 * @property {number} rows
 * @property {number | null} [facts] where questions list values, the share of these that is said, 0 to 100
 * @property {number | null} [facts_baseline]
 */
/** @typedef {{method: string, title: string, score: string}} Better a method, what it is called, and its score as text */
/**
 * What is new of a run since a cursor.
 *
 * @typedef {object} Since
 * @property {string} name
 * @property {string} status
 * @property {string} message
 * @property {boolean} recording
 * @property {string[]} emits
 * @property {string} family of its method: "prompts", "adapters", "weights" or "beside"
 * @property {boolean} layered whether the method can be switched off layer by layer
 * @property {boolean} pictures whether the run learns from pictures
 * @property {boolean} early whether it stopped before its last step
 * @property {number | null} kept the step whose state it gives away
 * @property {Score | null} score
 * @property {Better | null} better what was measured to reach much more on the same data
 * @property {number} steps
 * @property {RunConfig} config
 * @property {number} epoch
 * @property {number} cursor
 * @property {boolean} more whether there is more to fetch
 * @property {({kind: Kind, step: number} & object)[]} events
 */
/**
 * @typedef {object} Live
 * @property {string} status "idle", "loading", "running", "waiting" (for room on a full disk), "paused" or "stopping"
 * @property {number} turn how often the status has changed
 * @property {string | null} run
 * @property {string} [name] of the run
 * @property {number} step
 * @property {number} steps
 * @property {number} steps_per_s
 * @property {number | null} eta_s
 * @property {number | null} warming 0 to 1
 * @property {boolean} scoring whether all steps are made and test rows are answered
 * @property {string} model
 * @property {string} precision
 * @property {number} size_mb
 * @property {string} message
 * @property {Queued[]} [queue] the runs that wait; only the header asks for it
 * @property {string} [server] changes when the server is started again; only the header asks for it
 * @property {number} [pages] how many pages are open; only the header asks for it
 */
/**
 * A run of the queue, see engine/service/queued.py.
 *
 * @typedef {object} Queued
 * @property {string} run
 * @property {string} name
 * @property {number} steps
 * @property {number | null} until
 * @property {string} owner
 * @property {string} state "waiting", "begun" or "failed"
 * @property {number | null} place
 * @property {number | null} begins_s
 * @property {string} message
 * @property {boolean} removable
 * @property {boolean} up
 * @property {boolean} down
 */
/**
 * What the workbench takes of the machine, see engine/service/machine.py.
 *
 * @typedef {object} MachineUse
 * @property {number} memory_bytes
 * @property {number} memory_free_bytes
 * @property {number} memory_total_bytes
 * @property {number} cpu
 * @property {number} gpu_bytes
 * @property {number} gpu_total_bytes
 */
/**
 * What a line of the log tells of an event, see app/tabs/activity.py.
 *
 * @typedef {object} LogEvent
 * @property {string} kind
 * @property {number} step
 * @property {number} [steps]
 * @property {number} [trainable]
 * @property {number} [total]
 * @property {number} [wall]
 * @property {number} [loss]
 * @property {number} [lr]
 * @property {number} [tokens_per_s]
 * @property {number} [wall_s]
 * @property {number} [validation_loss]
 * @property {number | null} [base_ability_loss]
 * @property {string} [answer]
 * @property {string} [status]
 * @property {string} [message]
 */
/** @typedef {{cursor: number, epoch: number, more: boolean, events: LogEvent[]}} LogPage */
/** @typedef {{run: string, cursor: number, epoch: number | null}} LogRead */
/** @typedef {{machine: (asked: null) => Promise<MachineUse | undefined>, log: (asked: LogRead) => Promise<Partial<LogPage> | undefined>}} ActivityServer */
/** @typedef {{changed: (asked: {run: string, place: number | null}) => Promise<Answer<{queue: Queued[]}> | undefined>}} QueueServer */
/**
 * A rate of a ladder, see engine/tuning/store.py.
 *
 * @typedef {object} Climbed
 * @property {number} rate
 * @property {string} run
 * @property {string} state "waiting", "running", "out", "best" or "done"
 * @property {number} step
 * @property {[number, number][]} losses of the validations, as step and nats
 * @property {number | null} forgetting rise of the loss on plain text so far, in nats per token
 */
/**
 * @typedef {object} Ladder
 * @property {string} tag
 * @property {string} title of the method
 * @property {string} state "running", "finished", "stopped" or "failed"
 * @property {number} usual
 * @property {number | null} best
 * @property {number} steps
 * @property {number[]} rungs
 * @property {Climbed[]} rates
 */
/** @typedef {{ladder: (asked: null) => Promise<Partial<Ladder> | undefined>, ended: (tag: string) => Promise<{error?: string} | undefined>}} LadderServer */
/**
 * @typedef {object} RunEntry
 * @property {string} id
 * @property {string} name
 * @property {string} status
 * @property {boolean} recording
 * @property {number} created seconds since the epoch
 * @property {boolean} drives whether who looks may make it go on or stop
 */
/**
 * @typedef {object} RunSummary
 * @property {string} id
 * @property {string} name
 * @property {string} status
 * @property {boolean} recording
 * @property {string} method
 * @property {string} dataset
 * @property {string} model
 * @property {number} step
 * @property {number} steps
 * @property {number | null} kept_step
 * @property {number | null} best_validation
 * @property {Score | null} score
 * @property {number | null} forgetting nats per token
 * @property {number | null} wall_s
 * @property {number | null} learning_rate
 * @property {number | null} seed
 * @property {number} trainable
 * @property {number} size_bytes
 * @property {number} created
 * @property {string} notes
 * @property {string[]} tags
 * @property {string} text
 * @property {string} place where it is, for a run of another machine; empty for one of this machine
 */
/** @typedef {{query: "probe", run: string, step: number, last: boolean, sentence: string}} SentenceQuestion */
/** @typedef {{query: "probe_picture", run: string, step: number, last: boolean, name: string}} PictureQuestion */
/** @typedef {{query: "probe_beside", run: string, step: number, last: boolean, row: string, own: string, other: string, question: string}} RowQuestion */
/** @typedef {SentenceQuestion | PictureQuestion | RowQuestion} Question about a sentence, a picture, or a row with both */
/**
 * How one sentence or picture uses a method. Which fields a report has depends on its kind; see watch/reports.js.
 *
 * @typedef {object} Report
 * @property {string} kind
 * @property {number | null} step
 * @property {string[]} tokens
 * @property {boolean} [cut] whether the input has more tokens than these
 * @property {number[]} layers
 * @property {Grid[] | number[][][]} contribution
 * @property {Grid[]} mass
 * @property {Grid[][]} [weights] by layer, head, token and prompt
 * @property {string[]} targets
 * @property {Grid} fresh
 * @property {number[]} added
 * @property {number[]} ratio
 * @property {number[]} cosine
 * @property {{base: string[], side: string[], blend: string[]}} next
 * @property {string} picture
 * @property {string} name
 * @property {string[]} names
 * @property {number} side patches in a row
 * @property {[label: string, share: number][]} [verdict]
 * @property {Record<string, Report>} [reports] on each of several methods together, by name
 * @property {string} [method] the one of those that it is about
 */
/**
 * What a picture beside a question changes.
 *
 * @typedef {object} BesideReport
 * @property {number | null} step
 * @property {string} reference
 * @property {Record<"seen" | "withheld" | "other", string>} answers
 * @property {string[]} tokens of the question
 * @property {number[]} layers
 * @property {Grid[][]} weights by layer, head, token and prompt
 * @property {Grid} loudness by layer and head, with the picture
 * @property {Grid} withheld the same without one
 * @property {string} picture
 * @property {string} other
 * @property {number} side patches in a row
 * @property {number[]} depths layers of the encoder
 * @property {Grid} looks by depth and patch
 * @property {number} row
 * @property {string[]} rows questions of all that can be asked about
 */
/** @typedef {{spans: (number | null)[][], whole: number, step: number | null}} AblationLosses */
/** @typedef {{average: number, experts: number[], random: number[]}} RouteLosses */

/** @typedef {(asked: Question) => Promise<Answer<Report> | undefined>} AskProbe */
/** @typedef {(asked: {query: "ablation", run: string, step: number, last: boolean}) => Promise<Answer<AblationLosses> | undefined>} AskAblation */
/** @typedef {(asked: {query: "routes", run: string, last: true}) => Promise<Answer<RouteLosses> | undefined>} AskRoutes */
/** @typedef {AskProbe & AskAblation & AskRoutes} Ask */

/**
 * @typedef {object} WatchServer
 * @property {(asked: {run: string, cursor: number, epoch: number | null}) => Promise<Answer<Since> | undefined>} since
 * @property {(asked: object) => Promise<RunEntry[] | {error: string} | undefined>} runs
 * @property {(asked: object) => Promise<Live | undefined>} live
 * @property {Ask} ask a query of the table in engine/service/queries.py
 * @property {(asked: object) => Promise<Answer<object> | undefined>} one_step
 * @property {(asked: {run: string, more: boolean}) => Promise<Answer<object> | undefined>} go_on
 */
/** @typedef {{live: (page: string) => Promise<Live | undefined>}} HeaderServer */
/**
 * What has changed in the list of runs since a version of it.
 *
 * @typedef {object} RunNews
 * @property {string} version to ask with next time
 * @property {string[] | null} order ids of all runs; null where they are as they were
 * @property {RunSummary[]} runs the new and the changed ones
 * @property {string[]} [problems] why places of runs cannot be looked at now
 */
/** @typedef {{listed: (version: string) => Promise<RunNews | undefined>}} TableServer */

// Train and Runs -------------------------------------------------------------------------------------------------------

/** @typedef {{name: string, title: string, line: string}} MethodOption */
/** @typedef {{title: string, methods: MethodOption[]}} MethodFamily */
/** @typedef {{families: (asked: null) => Promise<MethodFamily[] | undefined>}} PickerServer */
/**
 * The value of the menu of methods, which Gradio keeps.
 *
 * @typedef {object} PickerValue
 * @property {() => string} value the chosen method
 * @property {(name: string) => void} pick
 * @property {(changed: () => void) => void} watch calls back when the page changes the value
 */
/** @typedef {"exact_match" | "forgetting" | "trainable" | "seconds" | "file_bytes" | "memory_gb"} Measure */
/**
 * @typedef {object} ZooMethod
 * @property {string} name
 * @property {string} title
 * @property {"prompts" | "adapters" | "weights" | "beside" | "other"} family
 * @property {number} trainable
 * @property {number} exact_match the score, 0 to 1
 * @property {number} [lowest] of the runs with other seeds
 * @property {number} [highest]
 * @property {number} [seeds] how many runs
 * @property {Record<string, number>} [parts] the score on each dataset that it is the mean of
 * @property {number} forgetting
 * @property {number} seconds
 * @property {number} file_bytes
 * @property {number} memory_gb of published results only, like the next
 * @property {number} learning_rate
 */
/**
 * @typedef {object} ZooServer
 * @property {(source: string) => Promise<{methods?: ZooMethod[]} | undefined>} zoo "mean", a dataset, or "peft"
 * @property {(name: string) => Promise<string | undefined>} card markup of one method
 */

// Drawing --------------------------------------------------------------------------------------------------------------

/**
 * @typedef {object} Palette
 * @property {string} key changes with the theme
 * @property {string} font
 * @property {string} panel
 * @property {string} ink
 * @property {string} muted
 * @property {string} line
 * @property {string} accent
 * @property {string} tuned
 * @property {string} base
 * @property {string} validation
 * @property {(value: number, most?: number) => string} gate colour of a gate, `most` being the end of the scale
 * @property {(share: number) => string} ramp colour of a size, 0 to 1
 */
/** @typedef {{share: number, text: string, mark?: number, title?: string}} BarCell `share` and `mark` are 0 to 1 */
/**
 * @typedef {object} StepScale
 * @property {(step: number) => number} of position of a step
 * @property {(position: number) => number} back the inverse
 * @property {number[] | null} marks the steps that get a label; null where the labels are free
 */
/** @typedef {{colour?: "base" | "tuned" | "ink", faint?: boolean, wide?: boolean, dotted?: boolean}} SeriesStyle */
/** @typedef {{steps: number[], values: number[]} & SeriesStyle} Series one line of a chart */
/**
 * @typedef {object} Chart
 * @property {string} key `lines` are drawn anew when it changes
 * @property {Series[]} lines
 * @property {Series[]} [bold] drawn above the lines, anew each time
 * @property {number} step of the cursor
 * @property {number} last the end of the axis of steps
 * @property {number} [low] 0 if not given
 * @property {number} high
 * @property {number[]} [marks] values with a horizontal line; the ends if not given
 * @property {(mark: number) => string} [name] what stands beside a mark; its value if not given
 */
/**
 * @typedef {object} StripChart
 * @property {string} key
 * @property {number[]} steps
 * @property {number[][]} lines one list of values each
 * @property {number | null} picked index of a line
 * @property {number} step
 * @property {number} most the end of the scale
 * @property {number} last
 */
/** @typedef {[row: number | null, column: number | null]} Cell null stands for the whole column or row */
/**
 * @typedef {object} HeatMap
 * @property {number} rows the first is the lowest
 * @property {number} columns
 * @property {(row: number, column: number) => number} value NaN where there is no such cell, and none is drawn
 * @property {(value: number) => string} colour
 * @property {string[]} rowNames
 * @property {string[]} columnNames
 * @property {string[]} [shortNames] where the names of columns have no room
 * @property {Cell | null} picked
 * @property {Cell | null} hovered
 * @property {{values: number[], most: number, name: string} | null} [bars] beside the rows
 * @property {boolean} [edged]
 * @property {number} [widest] of a cell
 * @property {number} [tallest] of a cell
 * @property {number} [lowest] least height of a cell
 */
/**
 * @typedef {object} HeatMapListener
 * @property {string} label for screen readers
 * @property {(row: number | null, column: number | null) => void} hover with nulls when the pointer leaves
 * @property {(row: number, column: number) => void} pick
 */
/**
 * What a panel tells of its map.
 *
 * @template {Kind} K
 * @typedef {object} GridSpec
 * @property {K} kind of event
 * @property {(event: EventsByKind[K]) => Grid} grid
 * @property {(event: EventsByKind[K]) => string[]} columns names
 * @property {(event: EventsByKind[K]) => string[]} [rows] names; the layers if not given
 * @property {(event: EventsByKind[K]) => number[]} [layers] of each row; the event's `layers` if not given
 * @property {(event: EventsByKind[K]) => string[]} [shortNames] of columns
 * @property {(event: EventsByKind[K]) => number[]} [bars] values beside the rows, 0 to 1
 * @property {(event: EventsByKind[K], row: number | null, column: number | null) => Values} [values] more for the words
 * @property {number} [top] where the scale ends; the run's largest value if not given
 * @property {HTMLElement} [host] where it stands; the panel's body if not given
 * @property {HTMLElement} [tools] where its legend stands; the panel's tools if not given
 * @property {string} [words] beginning of its words' keys
 */
/**
 * One map of a report.
 *
 * @typedef {object} ReportMap
 * @property {Grid} grid
 * @property {string[]} names of the rows
 * @property {number[]} [layers] of the rows
 * @property {number[]} [prompts] of the rows
 * @property {number} [layer] the one layer that it shows
 * @property {string} [target]
 * @property {number} [most] the end of the scale; the upper map's largest value if not given
 */
/**
 * The maps of one kind of report.
 *
 * @typedef {object} ReportMaps
 * @property {string} [title] key of the panel's title
 * @property {boolean} [words] whether the report tells the next words
 * @property {(report: Report, at: Cursor, ctx: PanelContext) => ReportMap} upper
 * @property {(report: Report, at: Cursor, ctx: PanelContext) => ReportMap | null} [lower]
 * @property {(report: Report, token: number) => Values} [values] more for the words
 */
/** @typedef {"loss" | "trainable" | "forgetting" | "seconds"} Objective */
/**
 * One run of a search.
 *
 * @typedef {object} SearchPoint
 * @property {number} number
 * @property {string} run
 * @property {string} title of its method
 * @property {"prompts" | "adapters" | "weights" | "beside"} family
 * @property {string} told its settings in words
 * @property {number | null} learning_rate
 * @property {string} state "trains", "done", "pruned" or "failed"
 * @property {number | null} loss
 * @property {number | null} trainable
 * @property {number | null} step
 * @property {number | null} forgetting nats per token
 * @property {number | null} seconds of training
 * @property {boolean} best whether no other is as good in all that the search asks for, and better in one
 */
/**
 * @typedef {object} SearchView
 * @property {string} id
 * @property {"runs" | "stopped" | "finished"} state
 * @property {{trials: number, objectives: Objective[]}} plan
 * @property {SearchPoint[]} points
 * @property {{name: string, share: number}[]} importance
 * @property {number} seconds
 * @property {boolean} drives whether who looks may stop it and let it go on
 */
/** @typedef {Answer<{ids: string[], search: SearchView | null}>} SearchAnswer */
/**
 * @typedef {object} SearchServer
 * @property {(asked: {id: string}) => Promise<SearchAnswer>} seen
 * @property {(asked: {id: string, act: "stop" | "go_on"}) => Promise<SearchAnswer>} changed
 */
/** @typedef {{points: {customdata: number, pointNumber: number}[]}} PlotlyEvent */
/**
 * An element that Plotly draws in; it gets these members from Plotly.
 *
 * @typedef {HTMLElement & {
 *   on: (name: string, listener: (event: PlotlyEvent) => void) => void,
 *   _fullLayout?: {xaxis?: {l2p?: (value: number) => number, _length: number, _offset: number}},
 * }} PlotlyHost
 */
/** @typedef {{react: (host: HTMLElement, data: object[], layout: object, config: object) => Promise<void>}} PlotlyModule */

// Watch ----------------------------------------------------------------------------------------------------------------

/**
 * @typedef {object} Cursor
 * @property {number | null} layer
 * @property {number | null} head
 * @property {number | null} token
 * @property {number | null} row
 */
/**
 * @typedef {object} ViewState
 * @property {Tape | null} tape the run that is shown
 * @property {Tape | null} other the run that it is compared with
 * @property {RunEntry[]} runs
 * @property {number} step
 * @property {(Partial<Cursor> & {prompt?: number}) | null} hover the cell under the pointer
 * @property {boolean} following whether the step is the newest one of an active run
 * @property {boolean} playing
 * @property {boolean} gone whether the server cannot be reached
 */
/** @typedef {ViewState & Cursor} View the cursor's own fields are the cell that was picked */
/** @typedef {View & {tape: Tape}} ShownView */
/**
 * @typedef {object} Player
 * @property {(position: number) => void} go to a frame
 * @property {(by: number) => void} move some frames on or back
 * @property {() => void} toggle playing
 * @property {() => void} once plays from the first frame to the last
 */
/** @typedef {Pick<StageBase, "element" | "view" | "set" | "oneStep">} PlayerHost */
/**
 * @typedef {object} StageBase
 * @property {HTMLElement} element
 * @property {View} view
 * @property {(change: Partial<View>) => void} set changes the view and draws it
 * @property {() => void} redraw draws the view in the next frame of the screen
 * @property {WatchServer} server
 * @property {Say} say
 * @property {(n: number) => string} number in the page's language
 * @property {() => Promise<void>} oneStep makes one step of the active run
 */
/**
 * @typedef {object} StageActions
 * @property {(run: string, follow?: boolean) => Promise<void>} show
 * @property {(run: string) => Promise<void>} compare with a run; with none if empty
 * @property {() => Promise<void>} follow the active run
 * @property {() => Promise<void>} goOn lets the run on view go on: paused, stopped, or finished with more steps
 * @property {(step: number) => void} goTo
 * @property {Player} player
 */
/** @typedef {StageBase & StageActions} Stage */
/**
 * @typedef {object} PanelParts
 * @property {Say} common says what all panels share; `say` is the panel's own
 * @property {HTMLElement} title a question
 * @property {HTMLElement} term what the field calls it
 * @property {HTMLElement} tools beside the title
 * @property {HTMLElement} body
 * @property {HTMLElement} caption
 */
/** @typedef {Stage & PanelParts} PanelContext */
/**
 * @typedef {object} Panel
 * @property {string} name beginning of its words' keys
 * @property {number} order among the panels of its side
 * @property {"left" | "right"} side where it stands, if both columns are about as tall
 * @property {number} [tall] about how many pixels it takes, by which panels are spread over the columns
 * @property {Kind | null} needs the kind of event without which it has nothing to show
 * @property {(tape: Tape) => boolean} [fits] where `needs` is not enough
 * @property {(ctx: PanelContext) => (view: ShownView) => unknown} mount builds it and returns its draw function
 */
/** @typedef {{panel: Panel, host: HTMLElement, draw: (view: ShownView) => unknown}} MountedPanel */

export {};
