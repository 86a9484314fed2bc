// How far each participant says it is, and what it said on the way.

import { element } from "./element.js";
import { repaint } from "./repaint.js";
import { count, nothing, percent, said, shareBar, time } from "./shown.js";
import { table } from "./table.js";

export const title = "Progress";

export function render(root, state) {
  const entries = state.progress?.entries ?? [];
  if (!entries.length) return repaint(root, nothing("Nobody has reported progress."));
  const latest = new Map();
  for (const entry of entries) latest.set(entry.participantId, { ...latest.get(entry.participantId), ...entry });
  const label = `All ${count(entries.length, "report")}, newest first`;
  repaint(
    root,
    table("The latest of each participant", ["Participant", "Progress", "It says", "At"], [...latest.values()].map(row)),
    element("details", {}, element("summary", {}, label), history(entries)),
  );
}

function row({ participantId, percentage, message, ts }) {
  const who = element("strong", {}, said(participantId));
  return { of: participantId, cells: [who, bar(percentage), said(message), time(ts)] };
}

// Not every report names a number.
function bar(percentage) {
  return typeof percentage === "number" ? shareBar(percentage / 100) : said(null);
}

function history(entries) {
  const rows = [...entries].reverse().map(({ participantId, percentage, message, ts }) => ({
    of: `${participantId} ${ts}`,
    cells: [time(ts), said(participantId), percent(percentage / 100), said(message)],
  }));
  return table("Reports, newest first", ["At", "Participant", "Progress", "It says"], rows);
}
