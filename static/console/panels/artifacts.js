// What the run made or refers to.

import { element, isSafe } from "./element.js";
import { fetched, troubled } from "./fetched.js";
import { repaint } from "./repaint.js";
import { folded, moment, nothing, said } from "./shown.js";
import { table } from "./table.js";

export const title = "Artifacts";

export function render(root, state, { runId, get }) {
  // Those that came after the ending are not in the state: an ended run is asked once more.
  const key = JSON.stringify([state.trace?.linkedArtifacts ?? [], state.run?.endedAt ?? null]);
  fetched(root, key, () => get(`/runs/${runId}/artifacts`), (rows, trouble) =>
    repaint(root, troubled(trouble), listed(rows)),
  );
}

function listed(rows) {
  if (!rows) return nothing("Reading …");
  if (!rows.length) return nothing("There are no artifacts.");
  const cells = ({ id, kind, label, uri, inline, createdAt }) => [
    moment(createdAt),
    element("strong", {}, said(label)),
    said(kind),
    uri ? address(uri) : inline ? folded("content", inline, id) : said(null),
  ];
  const shown = rows.map((row) => ({ of: row.id, cells: cells(row) }));
  return table("Artifacts, oldest first", ["At", "Label", "Kind", "Content"], shown);
}

// A link names its whole address: where it leads is seen before it is followed.
function address(uri) {
  if (!isSafe(uri)) return element("code", {}, said(uri));
  return element("a", { href: uri, rel: "noopener noreferrer nofollow", target: "_blank" }, said(uri));
}
