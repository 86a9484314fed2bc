// How values look in every panel.

import { element } from "./element.js";

const NOTHING = "–";
const TONES = {
  good: ["completed", "accepted", "answered", "delivered", "allow", "reached", "done", "approved"],
  bad: ["failed", "rejected", "unanswered", "exhausted", "deny", "critical", "lost", "error"],
  busy: ["active", "running", "sent", "starting", "binding_session", "fresh", "reattached", "rerun", "opened"],
  warn: ["waiting", "suspended", "queued", "pending", "high", "warning", "medium", "reconnecting", "recovered"],
};
const TONE_OF = new Map(Object.entries(TONES).flatMap(([tone, words]) => words.map((word) => [word, tone])));

/** A word with a colour; `tone` where the word alone does not say which. */
export function badge(word, tone = TONE_OF.get(String(word).toLowerCase()) ?? "quiet") {
  return element("span", { class: `badge badge-${tone}` }, said(String(word).replaceAll("_", " ")));
}

/** The time of day in UTC, the whole of it on demand; what is no time as it is. */
export function time(value) {
  if (!value) return NOTHING;
  const iso = String(value);
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)/.exec(iso);
  return parts ? element("time", { datetime: iso, title: iso }, parts[2]) : iso;
}

/** The day and the time in UTC, for what need not have happened within the run. */
export function moment(value) {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)/.exec(String(value ?? ""));
  return parts ? element("time", { datetime: value, title: value }, `${parts[1]} ${parts[2]}`) : value || NOTHING;
}

/** A share of 1 as percent. */
export function percent(share) {
  return Number.isFinite(share) ? `${Math.round(share * 1000) / 10} %` : NOTHING;
}

/** A bar that is filled to this share of 1, with the share beside it. */
export function shareBar(share) {
  const part = (size, kind) => element("rect", { class: `bar-${kind}`, width: Math.min(Math.max(size, 0), 1) * 100, height: 8 });
  const drawing = { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true", class: "share-bar" };
  return element("span", { class: "share" }, element("svg", drawing, part(1, "none"), part(share, "busy")), ` ${percent(share)}`);
}

/** A number of things: `3 votes`, `1 vote`. */
export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/** What somebody else wrote, a dash for nothing. Signs in it that turn the direction of writing end with it. */
export function said(value) {
  return value === null || value === undefined || value === "" ? NOTHING : element("bdi", {}, String(value));
}

/** Several of them in one line. */
export function saidAll(values) {
  return values.length ? values.map((value, index) => [index > 0 && " · ", said(value)]) : NOTHING;
}

/** Any JSON, folded away until somebody wants it. `of` names whose it is. */
export function folded(label, value, of) {
  const written = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return element("details", { "data-of": of }, element("summary", {}, label), element("pre", {}, written));
}

/** The line of a panel that has nothing to show. */
export function nothing(words) {
  return element("p", { class: "nothing" }, words);
}
