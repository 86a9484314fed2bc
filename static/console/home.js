// The home shows itself anew as runs change, and now and then for what is no run: beats, outbox, webhooks.

import { fetchPart, replace } from "./parts.js";
import { followRuns, showState } from "./run_list_stream.js";

const SOONEST = 2000;
const LATEST = 10000;

const home = document.getElementById("home");
const parts = document.getElementById("parts");
const tell = showState(document.getElementById("live"));

let shownAt = Date.now();
let wanted = false;
let isAsking = false;

async function show() {
  if (isAsking || document.hidden) {
    return;
  }
  isAsking = true;
  wanted = false;
  try {
    replace(parts, await fetchPart(home.dataset.part));
  } catch (failed) {
    tell(failed.state ?? "disconnected", `not up to date: ${failed.message}`);
  }
  shownAt = Date.now();
  isAsking = false;
}

setInterval(() => {
  const age = Date.now() - shownAt;
  if ((wanted && age >= SOONEST) || age >= LATEST) {
    show();
  }
}, 500);

followRuns({
  query: "limit=1&includeTotal=false",
  onFrame: (frame) => {
    wanted = wanted || frame.type === "run" || frame.type === "run_removed";
  },
  onState: tell,
});
