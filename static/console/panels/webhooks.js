// Who was told of this run, and who could not be.

import { element } from "./element.js";
import { again, fetched, troubled } from "./fetched.js";
import { repaint } from "./repaint.js";
import { badge, count, moment, nothing, said } from "./shown.js";
import { table } from "./table.js";

export const title = "Webhooks";

export function render(root, state, { runId, get }) {
  // Deliveries move without events of the run; its status is what most endpoints want to hear of.
  const ask = () => get(`/admin/console/runs/${runId}/webhooks`);
  fetched(root, String(state.run?.status ?? ""), ask, (found, trouble) =>
    repaint(root, troubled(trouble), listed(found), found && again()),
  );
}

function listed(answer) {
  if (!answer) return nothing("Reading …");
  if (!answer.endpoints) return nothing("No webhook is registered.");
  if (!answer.found.length) return nothing(`None of ${count(answer.endpoints, "webhook")} was to hear of this run, so far.`);
  return [answer.found.map(told), answer.hasMore && nothing("and earlier ones")];
}

function told({ endpoint, data }) {
  const columns = ["At", "Event", "Status", "Attempts", "Last answer", "Next try"];
  return element(
    "section",
    { "data-of": endpoint.id },
    element("h3", {}, said(endpoint.url), !endpoint.active && [" ", badge("inactive", "warn")]),
    table(`Deliveries to ${endpoint.url}, newest first`, columns, data.map(row)),
  );
}

function row({ id, event, seq, status, attempts, responseStatus, errorMessage, createdAt, nextAttemptAt }) {
  const what = element("span", {}, element("strong", {}, said(event)), ` #${seq}`);
  const answered = element("span", {}, responseStatus ? `HTTP ${responseStatus} ` : null, said(errorMessage ?? (responseStatus ? " " : null)));
  const next = status === "pending" ? moment(nextAttemptAt) : said(null);
  return { of: id, cells: [moment(createdAt), what, badge(status), String(attempts), answered, next] };
}
