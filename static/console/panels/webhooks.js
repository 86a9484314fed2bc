// Who was told of this run, and who could not be.

import { element } from "./element.js";
import { onAct } from "./acts.js";
import { again, fetched, troubled } from "./fetched.js";
import { repaint } from "./repaint.js";
import { badge, count, moment, nothing, said } from "./shown.js";
import { table } from "./table.js";

export const title = "Webhooks";

export function render(root, state, { runId, get, resend }) {
  if (resend) onAct(root, "resend", ({ dataset }) => resend({ ...dataset }, () => root.querySelector("[data-act=again]")?.click()));
  // Deliveries move without events of the run; its status is what most endpoints want to hear of.
  // One question, however many endpoints there are.
  fetched(root, String(state.run?.status ?? ""), () => get(`/admin/console/runs/${runId}/told`), (answer, trouble) =>
    repaint(root, troubled(trouble), listed(answer, Boolean(resend)), answer && again()),
  );
}

function listed(answer, mayResend) {
  if (!answer) return nothing("Reading …");
  if (!answer.endpoints) return nothing("No webhook is registered.");
  if (!answer.told.length) return nothing(`None of ${count(answer.endpoints, "webhook")} was to hear of this run, so far.`);
  return [answer.told.map((one) => told(one, mayResend)), answer.isMore && nothing("and earlier ones")];
}

function told({ endpoint, deliveries }, mayResend) {
  const columns = ["At", "Event", "Status", "Attempts", "Last answer", "Next try"];
  return element(
    "section",
    { "data-of": endpoint.id },
    element("h3", {}, said(endpoint.url), !endpoint.active && [" ", badge("inactive", "warn")]),
    table(`Deliveries to ${endpoint.url}, newest first`, columns, deliveries.map((one) => row(one, mayResend && endpoint))),
  );
}

function row({ id, event, seq, status, attempts, responseStatus, errorMessage, createdAt, nextAttemptAt }, endpoint) {
  const what = element("span", {}, element("strong", {}, said(event)), ` #${seq}`);
  const answered = element("span", {}, responseStatus ? `HTTP ${responseStatus} ` : null, said(errorMessage ?? (responseStatus ? " " : null)));
  const next = status === "pending" ? moment(nextAttemptAt) : said(null);
  const tried = endpoint ? element("span", {}, next, " ", sendAgain(id, endpoint)) : next;
  return { of: id, cells: [moment(createdAt), what, badge(status), String(attempts), answered, tried] };
}

function sendAgain(id, endpoint) {
  const about = { "data-act": "resend", "data-webhook-id": endpoint.id, "data-delivery-id": id, "aria-haspopup": "dialog" };
  return element("button", { type: "button", ...about, disabled: !endpoint.active }, "Send again…");
}
