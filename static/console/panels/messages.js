// What we sent into the session, and what became of it: the runtime's answer, and the reply that is owed.

import { element } from "./element.js";
import { fetched, troubled } from "./fetched.js";
import { repaint } from "./repaint.js";
import { badge, folded, nothing, said, saidAll, time } from "./shown.js";
import { table } from "./table.js";

export const title = "Messages sent";

const MOST = 1000;
const COUNTERS = ["queued", "sent", "accepted", "rejected", "failed", "awaitingReply", "answered", "unanswered"];
const WORDS = { awaitingReply: "awaiting reply" };

export function render(root, state, { runId, get }) {
  const counters = state.outboundMessages ?? {};
  const draw = (rows, trouble) =>
    repaint(root, standing(counters), troubled(trouble), counters.total > 0 && rows && listed(rows, counters.total));
  if (!counters.total) return draw(null, null);
  fetched(root, JSON.stringify(counters), () => get(`/runs/${runId}/messages?limit=${MOST}`), draw);
}

function standing(counters) {
  if (!counters.total) return nothing("Nothing was sent into this run from here.");
  const some = COUNTERS.filter((name) => counters[name] > 0);
  return element("p", { class: "standing" }, some.map((name) => [badge(WORDS[name] ?? name), ` ${counters[name]} `]));
}

function listed(rows, total) {
  const columns = ["At", "Message", "From", "To", "Fate", "Runtime said", "Reply", "Payload"];
  const left = total - rows.length;
  return [table("Messages, oldest first", columns, rows.map(row)), left > 0 && nothing(`and ${left} later ones`)];
}

function row(message) {
  const { messageId, messageType, category, sender, recipients = [], status, createdAt, payloadDescriptor } = message;
  const what = [element("strong", {}, said(messageType)), ` ${category.replaceAll("_", " ")}`];
  const cells = [time(createdAt), element("span", {}, what), said(sender), element("span", {}, saidAll(recipients))];
  const payload = payloadDescriptor ? folded(`${payloadDescriptor.sizeBytes} bytes`, payloadDescriptor, messageId) : said(null);
  return { of: messageId, cells: [...cells, badge(status), answer(message), reply(message), payload] };
}

function answer({ ack, errorMessage, acceptedAt }) {
  if (ack?.ok) return element("span", {}, ack.duplicate ? "taken before, " : "taken ", "at ", time(acceptedAt));
  const code = ack?.error?.code;
  return element("span", {}, code && badge(code, "bad"), " ", said(errorMessage ?? ack?.error?.message));
}

function reply({ replyStatus, replyDeadlineAt, replyMessageId }) {
  if (!replyStatus) return "none owed";
  const more = replyStatus === "pending" ? [" by ", time(replyDeadlineAt)] : replyMessageId && [" by ", said(replyMessageId)];
  return element("span", {}, badge(replyStatus), more);
}
