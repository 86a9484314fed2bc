// Who was told of this run, and who could not be.

import { element } from "./element.js";
import { onAct } from "./acts.js";
import { again, fetched, troubled } from "./fetched.js";
import { repaint } from "./repaint.js";
import { badge, count, moment, nothing, said } from "./shown.js";
import { table } from "./table.js";

export const title = "Webhooks";

const MOST = 50; // deliveries of one endpoint
const AT_A_TIME = 4;

export function render(root, state, { runId, get, resend }) {
  if (resend) onAct(root, "resend", ({ dataset }) => resend({ ...dataset }, () => root.querySelector("[data-act=again]")?.click()));
  // Deliveries move without events of the run; its status is what most endpoints want to hear of.
  fetched(root, String(state.run?.status ?? ""), () => deliveries(runId, get), (found, trouble) =>
    repaint(root, troubled(trouble), listed(found, Boolean(resend)), found && again()),
  );
}

async function deliveries(runId, get) {
  const endpoints = await get("/webhooks");
  const found = [];
  for (let start = 0; start < endpoints.length; start += AT_A_TIME) {
    const asked = endpoints.slice(start, start + AT_A_TIME).map(async (endpoint) => {
      const page = await get(`/webhooks/${endpoint.id}/deliveries?runId=${runId}&limit=${MOST}`);
      return { endpoint, ...page };
    });
    found.push(...(await Promise.all(asked)));
  }
  return { endpoints: endpoints.length, found: found.filter(({ total }) => total > 0) };
}

function listed(answer, mayResend) {
  if (!answer) return nothing("Reading …");
  if (!answer.endpoints) return nothing("No webhook is registered.");
  if (!answer.found.length) return nothing(`None of ${count(answer.endpoints, "webhook")} was to hear of this run, so far.`);
  return answer.found.map((one) => told(one, mayResend));
}

function told({ endpoint, data, total }, mayResend) {
  const columns = ["At", "Event", "Status", "Attempts", "Last answer", "Next try"];
  const left = total - data.length;
  return element(
    "section",
    { "data-of": endpoint.id },
    element("h3", {}, said(endpoint.url), !endpoint.active && [" ", badge("inactive", "warn")]),
    table(`Deliveries to ${endpoint.url}, newest first`, columns, data.map((one) => row(one, mayResend && endpoint))),
    left > 0 && nothing(`and ${left} earlier ones`),
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
