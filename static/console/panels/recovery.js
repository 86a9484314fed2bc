// Who watches the run, and what became of it when somebody stopped: the lease now, and each time the stream broke.

import { element } from "./element.js";
import { again, fetched, troubled } from "./fetched.js";
import { repaint } from "./repaint.js";
import { badge, count, moment, nothing, said, time } from "./shown.js";
import { facts, table } from "./table.js";

export const title = "Observer and recovery";

const TYPE = "session.stream.opened";
const RECOVERIES = {
  fresh: "launched anew: nothing had reached the runtime",
  reattached: "attached again where it was left",
  rerun: "the launch was carried on",
  lost: "the runtime no longer knew the session",
};

export function render(root, state, { runId, get }) {
  // The newest change that the state still names, and the ending: what changes without an event waits for the reader.
  const recent = state.timeline?.recent ?? [];
  const last = recent.filter(({ type }) => type === TYPE).at(-1)?.seq ?? 0;
  const ask = () => get(`/admin/console/runs/${runId}/ownership`);
  fetched(root, `${last} ${state.run?.endedAt ?? ""}`, ask, (answer, trouble) =>
    repaint(root, troubled(trouble), answer ? shown(answer) : nothing("Reading …"), answer && again()),
  );
}

function shown({ stream, ...ownership }) {
  const { since, changes } = stream;
  return [
    owner(ownership),
    element("h3", {}, `The stream of the runtime: ${count(changes.length, "change")}${since ? ` since event ${since}` : ""}`),
    changes.length > 0 && table("Changes of the stream", ["At", "#", "Stream", "Meaning"], changes.map(row)),
  ];
}

function owner({ observer, leaseEpoch, recoveryAttempts, hasEnded }) {
  if (!observer && hasEnded) return nothing("It has ended: nobody needs to watch it.");
  return facts([
    ["Watched by", observer ? element("code", {}, said(observer.id)) : badge("nobody", "bad")],
    ["On", observer && element("span", {}, said(observer.host), `, process ${observer.processId}`)],
    ["Last beat", observer && element("span", {}, moment(observer.beatAt), " ", beating(observer))],
    ["Lease epoch", String(leaseEpoch)],
    ["Take-overs without progress", recoveryAttempts ? String(recoveryAttempts) : null],
  ]);
}

function beating({ isLost, isBeating }) {
  if (isLost) return badge("lost");
  return isBeating ? badge("beating", "good") : badge("late", "warn");
}

function row({ seq, ts, data = {} }) {
  const meaning = RECOVERIES[data.recovery] ?? data.recovery ?? data.detail;
  return { of: String(seq), cells: [time(ts), String(seq), badge(data.status ?? "changed"), said(meaning)] };
}
