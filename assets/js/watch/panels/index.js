// All panels of Watch. A new panel is a file in this folder and a row here.
// @ts-check

import { ablation } from "./ablation.js";
import { adapters } from "./adapters.js";
import { agreement } from "./agreement.js";
import { asks } from "./asks.js";
import { beside } from "./beside.js";
import { experts } from "./experts.js";
import { gates } from "./gates.js";
import { ladder } from "./ladder.js";
import { loss } from "./loss.js";
import { masks } from "./masks.js";
import { mass } from "./mass.js";
import { moved } from "./moved.js";
import { norms } from "./norms.js";
import { patches } from "./patches.js";
import { prefix } from "./prefix.js";
import { prompt } from "./prompt.js";
import { ranks } from "./ranks.js";
import { routes } from "./routes.js";
import { sample } from "./sample.js";
import { side } from "./side.js";
import { trigger } from "./trigger.js";
import { updates } from "./updates.js";

/** @import { Panel } from "../../types.js" */

/** @type {readonly Panel[]} */
export const PANELS = [
  ablation,
  adapters,
  agreement,
  asks,
  beside,
  experts,
  gates,
  ladder,
  loss,
  masks,
  mass,
  moved,
  norms,
  patches,
  prefix,
  prompt,
  ranks,
  routes,
  sample,
  side,
  trigger,
  updates,
];
