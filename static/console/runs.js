// The list keeps itself current: its lines are rendered anew as /ws/runs tells of changes, at most every two seconds.

import { setUpBulk } from "./bulk.js";
import { fetchPart, replace } from "./parts.js";
import { Picked } from "./picked.js";
import { followRuns, showState } from "./run_list_stream.js";

const SOONEST = 2000;
const LATEST = 30000; // ages grow without anything that happens

const root = document.getElementById("runs");
const lines = document.getElementById("lines");
const tell = showState(document.getElementById("live"));
const isFirst = !new URLSearchParams(location.search).has("after");
const picked = new Picked(lines, document.getElementById("picked"));

let shownAt = Date.now();
let wanted = false;
let isAsking = false;

async function show() {
  if (isAsking) {
    return;
  }
  isAsking = true;
  wanted = false;
  try {
    const address = new URL(location.href);
    address.searchParams.set("part", "");
    const position = lines.querySelector(".sb-scroll")?.scrollLeft ?? 0;
    replace(lines, await fetchPart(address));
    lines.querySelector(".sb-scroll")?.scrollTo({ left: position });
    picked.restore();
  } catch (failed) {
    tell(failed.state ?? "disconnected", `not up to date: ${failed.message}`);
  }
  shownAt = Date.now();
  isAsking = false;
}

// A page further back is not changed by what is new, only by what it shows.
function concerns(frame) {
  const id = frame.data.id;
  return (frame.type === "run" || frame.type === "run_removed") &&
    (isFirst || lines.querySelector(`tr[data-run="${CSS.escape(id)}"]`) !== null);
}

setInterval(() => {
  const age = Date.now() - shownAt;
  if (!document.hidden && ((wanted && age >= SOONEST) || age >= LATEST)) {
    show();
  }
}, 500);

followRuns({
  query: root.dataset.stream,
  onFrame: (frame) => {
    wanted = wanted || concerns(frame);
  },
  onState: tell,
});

setUpBulk({ root, picked, onDone: show });
