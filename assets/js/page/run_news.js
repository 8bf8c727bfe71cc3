// The list of runs as the server tells it: only what has changed since the version that the page has.
// @ts-check

import { soonOf } from "../common/server.js";

/** @import { RunNews, RunSummary, TableServer } from "../types.js" */

/**
 * The runs as the server told them, version by version.
 *
 * @param {TableServer} server
 */
export const newsOf = (server) => {
  /** @type {Map<string, RunSummary>} */
  const known = new Map();
  /** @type {string[]} */
  let order = [];
  let version = "";
  /** @type {string[]} */
  let problems = [];

  /** @param {RunNews} news */
  const take = (news) => {
    version = news.version;
    for (const run of news.runs) known.set(run.id, run);
    if (!news.order) return;
    order = news.order;
    const left = new Set(order);
    for (const id of known.keys()) if (!left.has(id)) known.delete(id);
  };
  return {
    /** @returns {RunSummary[]} in the server's order */
    all: () => order.flatMap((id) => known.get(id) ?? []),
    /** @param {string} id */
    has: (id) => known.has(id),
    problems: () => problems,
    /** Ask what is new; whether anything is. */
    ask: async () => {
      const news = await soonOf(server.listed(version));
      if (!news) return false;
      const former = problems.join();
      problems = news.problems ?? [];
      if (news.version === version) return former !== problems.join();
      take(news);
      return true;
    },
  };
};
