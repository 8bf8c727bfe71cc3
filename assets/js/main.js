// What the page's Python side may call: `Gatelight.ready` in the page's head resolves to this module.
// @ts-check

export { keepAnswers } from "./common/event_stream.js";
export { latestLive } from "./common/live.js";
export { openTab } from "./common/navigation.js";
export { mountOverlay } from "./common/overlay.js";
export { sayStarting } from "./common/starting.js";
export { mountActivity } from "./page/activity.js";
export { mountHeader } from "./page/header.js";
export { holdForm, keptDraft, keptForm, keptTalk } from "./page/kept.js";
export { mountLadder } from "./page/ladder.js";
export { mountMemory } from "./page/memory.js";
export { mountPicker } from "./page/picker.js";
export { takePictures } from "./page/pictures.js";
export { mountProgress } from "./page/progress.js";
export { mountQueue } from "./page/queue.js";
export { saveText } from "./page/save.js";
export { mountSearch } from "./page/search.js";
export { moveStrengthMark } from "./page/strength.js";
export { mountTable, refreshRuns } from "./page/table.js";
export { mountTalk } from "./page/talk.js";
export { mountZoo } from "./page/zoo.js";
export { follow, show } from "./watch/current.js";
export { mountWatch } from "./watch/stage.js";
