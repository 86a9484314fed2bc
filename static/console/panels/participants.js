// Who takes part, what each does now, and what it said last.

import { element } from "./element.js";
import { repaint } from "./repaint.js";
import { badge, count, nothing, said, time } from "./shown.js";
import { table } from "./table.js";

export const title = "Participants";

const MOST = 200;
const ORDER = ["active", "waiting", "failed", "completed", "idle", "skipped"];

export function render(root, state) {
  const everybody = state.participants ?? [];
  if (!everybody.length) return repaint(root, nothing("Nobody has joined yet."));
  const shown = newest(everybody);
  const left = everybody.length - shown.length;
  repaint(
    root,
    standing(everybody),
    table("Participants", ["Participant", "Role", "Status", "Last heard", "Last said"], shown.map(row)),
    left > 0 && nothing(`and ${count(left, "more participant")}, not heard of as lately`),
  );
}

// In the order in which they came, as long as all of them find room: rows that jump cannot be read.
function newest(everybody) {
  if (everybody.length <= MOST) return everybody;
  const latest = (one) => one.latestActivityAt ?? "";
  return [...everybody].sort((a, b) => latest(b).localeCompare(latest(a))).slice(0, MOST);
}

function standing(everybody) {
  const counts = new Map();
  for (const { status } of everybody) counts.set(status, (counts.get(status) ?? 0) + 1);
  const known = [...counts.keys()].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  return element("p", { class: "standing" }, known.map((status) => [badge(status), ` ${counts.get(status)} `]));
}

function row({ participantId, role, status, latestActivityAt, latestSummary }) {
  const name = element("strong", {}, said(participantId));
  return { of: participantId, cells: [name, said(role), badge(status), time(latestActivityAt), said(latestSummary)] };
}
