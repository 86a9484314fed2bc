// What arrived after the ending, or contradicts what was recorded. It is kept apart: the log does not change.

import { element } from "./element.js";
import { again, fetched, troubled } from "./fetched.js";
import { repaint } from "./repaint.js";
import { badge, count, folded, moment, nothing, said } from "./shown.js";
import { table } from "./table.js";

export const title = "Late data";

const MOST = 200;
const REASONS = { after_ending: "after the ending", conflict: "contradicts the log" };

export function render(root, state, { runId, get }) {
  fetched(root, String(state.run?.endedAt ?? null), () => get(`/runs/${runId}/late?limit=${MOST}`), (page, trouble) =>
    repaint(root, troubled(trouble), listed(page), page && again()),
  );
}

function listed(page) {
  if (!page) return nothing("Reading …");
  if (!page.total) return nothing("Nothing came late, and nothing contradicts the log.");
  const left = page.total - page.data.length;
  return [
    element("p", {}, `${count(page.total, "observation")} kept apart; no event of the log was changed by them`),
    table("Late observations, oldest first", ["At", "Why", "Kind", "Source", "Payload"], page.data.map(row)),
    left > 0 && nothing(`and ${left} more`),
  ];
}

function row({ id, receivedAt, reason, kind, sourceId, payload }) {
  const why = badge(REASONS[reason] ?? reason, reason === "conflict" ? "bad" : "warn");
  const source = element("code", {}, said(sourceId));
  return { of: id, cells: [moment(receivedAt), why, said(kind), source, folded("payload", payload, id)] };
}
