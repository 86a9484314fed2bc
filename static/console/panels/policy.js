// How the votes stand against the quorum, and how the policy judged what was committed.

import { element } from "./element.js";
import { badge, count, said, saidAll, time } from "./shown.js";
import { facts, table } from "./table.js";

const MOST_NAMES = 12;

/** The votes on each proposal, the one under discussion first; nothing before anybody has voted. */
export function tallies(policy, current) {
  const counted = [...(policy?.voteTally ?? [])];
  if (!counted.length) return null;
  counted.sort((a, b) => (b.commitmentId === current) - (a.commitmentId === current));
  const rows = counted.map((tally) => tallied(tally, tally.commitmentId === current));
  return [element("h3", {}, "Votes"), table("Votes", ["On", "For and against", "Quorum"], rows)];
}

function tallied({ commitmentId, allow, deny, threshold, quorum }, isCurrent) {
  const name = element("code", { class: isCurrent && "current" }, said(commitmentId));
  const votes = [bar(allow, deny, quorum.required), `${allow} for, ${deny} against`];
  const wanted = `${quorum.cast} of ${quorum.required} have voted; threshold ${threshold}`;
  return { of: commitmentId, cells: [name, element("span", { class: "votes" }, votes), wanted] };
}

// The voters that are still missing are the empty part.
function bar(allow, deny, required) {
  const whole = Math.max(allow + deny, required, 1);
  const part = (start, size, kind) =>
    size > 0 && element("rect", { class: `bar-${kind}`, x: (start * 100) / whole, width: (size * 100) / whole, height: 8 });
  const drawing = { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true", class: "share-bar" };
  return element("svg", drawing, part(0, whole, "none"), part(0, allow, "allow"), part(allow, deny, "deny"));
}

/** The policy and its judgements; a state of a server that knew none says so. */
export function policy(section) {
  if (!section?.policyVersion) return null;
  const evaluations = section.commitmentEvaluations ?? [];
  return [
    element("h3", {}, "Policy"),
    facts([
      ["Version", element("code", {}, said(section.policyVersion))],
      ["It says", section.policyDescription && said(section.policyDescription)],
      ["Resolved", section.resolvedAt && time(section.resolvedAt)],
      ["Quorum", section.quorumStatus && badge(section.quorumStatus)],
      ["Expected to vote", named(section.expectedCommitments ?? [])],
    ]),
    evaluations.length > 0 && judgements(evaluations),
  ];
}

function named(participants) {
  if (!participants.length) return null;
  const left = participants.length - MOST_NAMES;
  const names = saidAll(participants.slice(0, MOST_NAMES));
  return left > 0 ? [names, ` and ${count(left, "other")}`] : names;
}

function judgements(evaluations) {
  const rows = evaluations.map(({ commitmentId, decision, reasons = [], ts }) => ({
    of: `${commitmentId} ${ts}`,
    cells: [time(ts), element("code", {}, said(commitmentId)), badge(decision), saidAll(reasons)],
  }));
  return table("Judgements of the policy", ["At", "Commitment", "Judged", "Because"], rows);
}
