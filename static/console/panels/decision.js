// What is being decided, what each participant said to it, how the votes stand, and what the policy makes of it.

import { element } from "./element.js";
import { policy, tallies } from "./policy.js";
import { repaint } from "./repaint.js";
import { badge, count, nothing, percent, said, saidAll, shareBar, time } from "./shown.js";
import { facts, table } from "./table.js";

export const title = "Decision";

const SUBJECTS = { proposal: "proposal", task: "task", handoff: "handoff", quorum: "request", decision: "proposal" };
const KEPT = 50; // contributions that a state holds; older ones are in the timeline only

export function render(root, state) {
  const current = state.decision?.current;
  const subject = SUBJECTS[/^macp\.mode\.(\w+)\./.exec(state.run?.modeName ?? "")?.[1]] ?? "proposal";
  repaint(
    root,
    current ? [outcome(current, subject), details(current, subject)] : nothing(waiting(state, subject)),
    tallies(state.policy, current?.proposalId),
    current && contributions(current.proposals ?? []),
    policy(state.policy),
  );
}

function waiting(state, subject) {
  return state.run?.endedAt ? `It ended before there was a ${subject}.` : `There is no ${subject} yet.`;
}

function outcome(current, subject) {
  const [word, tone] = verdict(current, subject);
  return element("p", { class: "outcome" }, badge(word, tone), " ", element("strong", { class: "action" }, said(current.action)));
}

function verdict({ finalized, outcomePositive }, subject) {
  if (!finalized) return [`${subject} open`, "warn"];
  if (outcomePositive === true) return ["decided: yes", "good"];
  return outcomePositive === false ? ["decided: no", "bad"] : ["decided", "busy"];
}

function details(current, subject) {
  const { confidence, reasons = [], proposalId, prompt, resolvedBy, resolvedAt, supersedes } = current;
  return facts([
    ["Because", reasons.length ? list(reasons) : null],
    ["Confidence", typeof confidence === "number" ? shareBar(confidence) : null],
    ["Asked", prompt && said(prompt)],
    [`Id of the ${subject}`, proposalId && element("code", {}, said(proposalId))],
    ["Committed by", resolvedBy && element("span", {}, said(resolvedBy), " at ", time(resolvedAt))],
    ["Supersedes", supersedes && saidAll([supersedes.sessionId, supersedes.commitmentHash])],
  ]);
}

function list(reasons) {
  return element("ul", { class: "reasons" }, reasons.map((reason) => element("li", {}, said(reason))));
}

function contributions(proposals) {
  if (!proposals.length) return nothing("Nobody has said anything to it yet.");
  const label = proposals.length < KEPT ? count(proposals.length, "contribution") : `The last ${KEPT} contributions`;
  const columns = ["At", "Participant", "Said", "Vote", "About", "Confidence", "Because"];
  return [element("h3", {}, label), table("Contributions, oldest first", columns, proposals.map(contribution))];
}

function contribution({ participantId, action, confidence, reasons = [], ts, vote, messageType }) {
  const because = reasons.filter((reason) => reason !== messageType);
  const who = element("strong", {}, said(participantId));
  const what = [said(messageType), vote ? badge(vote) : said(null), said(action), percent(confidence)];
  return { of: `${participantId} ${ts} ${messageType}`, cells: [time(ts), who, ...what, saidAll(because)] };
}
