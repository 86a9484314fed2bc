// What is done with a run as a whole: copied, taken away as a file, put on the shelf, mended, deleted.

import { element } from "../panels/element.js";

const KINDS = ["json", "report", "log", "trace", "bundle"];
const plain = (path) => (_, run) => ({ path: `/runs/${run}/${path}` });

const FORMATS = {
  whole: { words: "One JSON document, its events whole (50 000 at most)", end: "json", path: "export?eventLimit=50000" },
  lines: { words: "One line of JSON for each event, however many", end: "jsonl", path: "export/stream?" },
};

export const keeping = {
  clone: {
    label: "Run again…",
    title: "Run this once more?",
    does: "A new run is queued that asks for what this one asked for, with a session of its own. This one stays as it is.",
    verb: "Queue the new run",
    fields: [
      { name: "tags", label: "Tags", kind: "list", hint: "With commas between; empty: those of this run." },
      { name: "context", label: "Context", kind: "json", hint: "A JSON object in place of its context; empty: the same." },
    ],
    request: (body, run) => ({ path: `/runs/${run}/clone`, body }),
    said: ({ runId }) => ["The new run is queued: ", element("a", { href: `/admin/console/runs/${runId}` }, runId)],
  },
  export: {
    label: "Export…",
    title: "Take this run away as a file",
    does: "The run with its events, state, figures and artifacts, without secrets, as it is at this moment. Nothing is changed.",
    verb: "Export the run",
    fields: [
      { name: "format", label: "As", kind: "choice", isNeeded: true, options: () => Object.entries(FORMATS).map(([value, { words }]) => [value, words]) },
      { name: "includeRaw", label: "With what the runtime said, byte for byte", kind: "mark" },
    ],
    request: ({ format, includeRaw = false }, run) => ({
      ...{ method: "GET", isFile: true, name: `run-${run}.${FORMATS[format].end}` },
      path: `/runs/${run}/${FORMATS[format].path}&includeRaw=${includeRaw}`,
    }),
    said: (file) => `The file has ${file.size.toLocaleString("en")} bytes.`,
  },
  artifact: {
    label: "Attach artifact…",
    title: "Attach an artifact",
    does: "A link or a small JSON document is kept with the run, for whoever looks at it later.",
    verb: "Attach it",
    fields: [
      { name: "kind", label: "Kind", kind: "choice", options: () => KINDS, isNeeded: true },
      { name: "label", label: "Label", isNeeded: true },
      { name: "uri", label: "Link" },
      { name: "inline", label: "Document", kind: "json", hint: "A JSON object." },
    ],
    request: (body, run) => ({ path: `/runs/${run}/artifacts`, body }),
    said: () => "It is attached.",
  },
  rebuild: {
    label: "Rebuild projection…",
    title: "Rebuild the projection?",
    does: "The state that is stored of the run is made anew from its log, whatever was stored. The log stays as it is.",
    verb: "Rebuild it",
    fields: [],
    request: plain("projection/rebuild"),
    said: ({ latestSeq }) => `The state was made anew from ${latestSeq} events.`,
  },
  archive: {
    label: "Archive…",
    title: "Archive this run?",
    does: "Lists do not show it any more unless they are asked for archived runs. A run that goes on goes on.",
    verb: "Archive the run",
    fields: [],
    request: plain("archive"),
    said: () => "The run is archived.",
  },
  unarchive: {
    label: "Bring back…",
    title: "Bring this run back?",
    does: "Lists show it again.",
    verb: "Bring it back",
    fields: [],
    request: plain("unarchive"),
    said: () => "Lists show the run again.",
  },
  delete: {
    label: "Delete…",
    title: "Delete this run for good?",
    does: "Its log, its state, its messages and its artifacts are gone, for everybody, and cannot be had back. That it was deleted, and by whom, stays in the audit list.",
    verb: "Delete it for good",
    isGrave: true,
    typed: (run) => run.slice(-12),
    fields: [],
    request: (_, run) => ({ method: "DELETE", path: `/runs/${run}` }),
    said: () => "The run is deleted.",
    leadsTo: "/admin/console/runs/",
  },
  resend: {
    title: "Send this delivery again?",
    does: "The receiver is sent the same once more, under the same webhook-id, as soon as its limits allow.",
    verb: "Send it again",
    fields: [],
    isElsewhere: true, // in the panel of webhooks
    request: (_, __, { webhookId, deliveryId }) => ({ path: `/webhooks/${webhookId}/deliveries/${deliveryId}/resend` }),
    said: () => "It is due once more.",
  },
};
