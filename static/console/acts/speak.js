// What is said into a running run: a message, a signal, news of the context.

const speakers = async ({ get, base }) => (await get(`${base}/speakers`)).speakers;
const members = async ({ get, base }) => (await get(`${base}/speakers`)).members;

// The types the runtime knows for the mode of the run. It may be away: then any type may still be typed.
async function types({ get, mode }) {
  try {
    const modes = await get("/runtime/modes");
    return modes.find((one) => one.mode === mode)?.messageTypes ?? [];
  } catch {
    return [];
  }
}

const FROM = { name: "from", label: "As", kind: "choice", options: speakers, isNeeded: true, none: "No credential is held for any participant: nothing can be said from here." };
const TO = { name: "to", label: "To", kind: "list", options: members, hint: "Names with commas between; empty means everybody." };
const TYPE = { name: "messageType", label: "Type", kind: "suggested", options: types, isNeeded: true };
const PAYLOAD = { name: "payload", label: "Payload", kind: "json", hint: "A JSON object." };

const accepted = (what) => ({ ack }) =>
  ack?.duplicate ? `The runtime had the ${what} already: it was not said twice.` : `The runtime has accepted the ${what}.`;

export const speech = {
  message: {
    label: "Send message…",
    title: "Send a message",
    does: "It is said into the session as the participant you choose, who is answerable for it there. It is part of the log for good. The answer comes once the runtime has accepted or refused it.",
    verb: "Send the message",
    fields: [FROM, TO, TYPE, PAYLOAD, { name: "replyTimeoutMs", label: "A reply is owed within (ms)", kind: "number", hint: "Empty: none is owed." }],
    request: (body, run) => ({ path: `/runs/${run}/messages`, body }),
    said: accepted("message"),
  },
  signal: {
    label: "Send signal…",
    title: "Send a signal",
    does: "It is called out beside the session, as the participant you choose; it decides nothing, and agents may heed it. It is part of the log for good.",
    verb: "Send the signal",
    fields: [
      ...[FROM, { ...TO, isAlways: true }, TYPE, PAYLOAD],
      { name: "severity", label: "Severity", hint: "For example: info, warning, critical." },
      { name: "confidence", label: "Confidence", kind: "number", hint: "From 0 to 1." },
    ],
    request: (body, run) => ({ path: `/runs/${run}/signal`, body }),
    said: accepted("signal"),
  },
  context: {
    label: "Update context…",
    title: "Update the context",
    does: "The participants are told what has changed around them, as the participant you choose. It is part of the log for good.",
    verb: "Send the update",
    fields: [FROM, { name: "context", label: "What changed", kind: "json", hint: "A JSON object.", isNeeded: true }],
    request: (body, run) => ({ path: `/runs/${run}/context`, body }),
    said: accepted("update"),
  },
};
