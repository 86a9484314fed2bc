// What participants called out beside the conversation, and who took notice.

import { element } from "./element.js";
import { repaint } from "./repaint.js";
import { badge, count, folded, nothing, percent, said, time } from "./shown.js";
import { table } from "./table.js";

export const title = "Signals";

export function render(root, state) {
  const signals = state.signals?.signals ?? [];
  if (!signals.length) return repaint(root, nothing("Nobody has sent a signal."));
  const open = signals.filter(({ acknowledgedAt }) => !acknowledgedAt).length;
  const columns = ["At", "Signal", "Severity", "From", "Confidence", "Noticed", "With it"];
  repaint(
    root,
    element("p", {}, `${count(signals.length, "signal")}, ${open} not acknowledged`),
    table("Signals, newest first", columns, [...signals].reverse().map(row)),
  );
}

function row({ id, name, severity, sourceParticipantId, ts, confidence, payload, acknowledgedAt, acknowledgedBy }) {
  const noticed = acknowledgedAt ? ["by ", said(acknowledgedBy), " at ", time(acknowledgedAt)] : badge("no", "warn");
  const data = payload === undefined ? said(null) : folded("data", payload, id);
  const first = [time(ts), element("strong", {}, said(name)), severity ? badge(severity) : said(null)];
  const second = [said(sourceParticipantId), percent(confidence), element("span", {}, noticed), data];
  return { of: id, cells: [...first, ...second] };
}
