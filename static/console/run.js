// The page of one run: its parts, and what they tell each other.

import { ActBar } from "./acts/bar.js";
import { showConnection } from "./connection.js";
import { Details, namedEvent } from "./details.js";
import { Filters } from "./filters.js";
import { get } from "./get.js";
import { Head } from "./head.js";
import { Lines } from "./lines.js";
import { follow } from "./live.js";
import { Panels } from "./panels.js";
import { Scrubber } from "./scrubber.js";
import { Timeline } from "./timeline.js";

const FILTERED_EVERY_MS = 250;
const CLOCK_MS = 10_000;
const NAMED_AFTER_MS = 400;

const page = document.getElementById("run");
const { run: runId, base } = page.dataset;
const part = (name) => page.querySelector(`[data-part=${name}]`);

const lines = new Lines(base, Number(page.dataset.lastSeq), changed);
const timeline = new Timeline(part("timeline"), lines, { onSelect, onMove: showFresh });
const filters = new Filters(part("filters"), lines, filter);
const details = new Details(part("details"), runId);
const head = new Head(part("head"), base, ({ acts }) => bar?.show(acts));
const bar = part("acts") && new ActBar(part("acts"), part("act"), { runId, base, mode: page.dataset.mode }, { onDone: () => head.refresh() });
const panels = new Panels(page.querySelectorAll("[data-panel]"), runId, { resend: bar?.asker("resend") });
const scrubber = new Scrubber(part("scrubber"), runId, lines, {
  onMove: (seq) => timeline.select(seq),
  onState: (state) => panels.show(state),
  onLive: () => {
    timeline.followEnd();
    if (latest) panels.show(latest);
  },
});
let latest = null; // the state of the run, as the server last told it
let isOver = page.dataset.isOver === "true";
let later = null;
let named = null;

details.onClose = () => {
  timeline.select(null);
  timeline.box.focus();
};
part("fresh").addEventListener("click", () => timeline.followEnd());

function changed() {
  timeline.update();
  later ??= setTimeout(() => {
    later = null;
    filter();
    scrubber.refresh();
  }, FILTERED_EVERY_MS);
}

function filter() {
  timeline.show(filters.seqs);
  filters.refresh(timeline.count);
  part("empty").hidden = timeline.count > 0;
  part("empty").textContent = lines.lastSeq ? "No event is let through." : "Nothing has happened yet.";
  part("problem").textContent = lines.problem ? `Events could not be read: ${lines.problem.message}.` : "";
}

// Somebody who reads further up is not torn away from there, but told.
function showFresh() {
  part("fresh").hidden = timeline.follows || !timeline.count;
}

function onSelect(seq) {
  details.show(seq);
  // Browsers refuse to have the address changed at every step of whoever drags or plays.
  clearTimeout(named);
  named = setTimeout(() => {
    history.replaceState(null, "", seq === null ? location.pathname : `#event-${seq}`);
  }, NAMED_AFTER_MS);
}

function onFrame(frame) {
  if (frame.type === "canonical_event") lines.grow(frame.id);
  if (frame.type === "snapshot") showState(frame.data);
  if (frame.type === "end") isOver = true;
  if (frame.type === "end" || frame.type === "canonical_event") head.refresh();
}

function showState(state) {
  latest = state;
  if (scrubber.isLive) panels.show(state);
}

function openNamedEvent() {
  const seq = namedEvent(lines.lastSeq);
  if (seq !== null) timeline.select(seq);
}

async function begin() {
  filter();
  openNamedEvent();
  addEventListener("hashchange", openNamedEvent);
  follow(runId, {
    afterSeq: lines.lastSeq,
    onFrame,
    onState: (state) => showConnection(part("connection"), state),
  });
  setInterval(() => isOver || head.refresh(), CLOCK_MS);
  // The state of a run that is over comes with no stream.
  if (isOver) get(`/runs/${runId}/state`).then(showState, () => {});
  // What is in sight first, the rest for the filters.
  requestAnimationFrame(() => requestAnimationFrame(() => lines.readAll()));
}

begin();
