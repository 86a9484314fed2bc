// What moves a run: cancel, suspend, resume, recover.

const REASON = { name: "reason", label: "Reason", hint: "Kept with the run and in the audit list; may stay empty." };

const wish = (name, says) => ({
  ...says,
  fields: [REASON],
  request: ({ reason }, run) => ({ path: `/runs/${run}/${name}`, body: { reason } }),
});

const FOUND = {
  owner_silent: "Its observer had fallen silent and is lost now",
  owner_lost: "Its observer was lost",
  no_owner: "Nobody owned it",
};

export const steering = {
  cancel: wish("cancel", {
    label: "Cancel…",
    title: "Cancel this run?",
    does: "The run ends for good, as cancelled. Whoever opened its session is asked to end that, too: the runtime, or the agent by its callback. A run that has ended otherwise meanwhile stays as it is.",
    verb: "Cancel the run",
    isGrave: true,
    said: () => "The run is cancelled.",
  }),
  suspend: wish("suspend", {
    label: "Suspend…",
    title: "Suspend this run?",
    does: "The runtime is asked to let the session stand still; the run is suspended once it has agreed. Its clocks stand still as well. Nothing can be said into it until it is resumed.",
    verb: "Suspend the run",
    said: () => "The run is suspended.",
  }),
  resume: wish("resume", {
    label: "Resume…",
    title: "Resume this run?",
    does: "The runtime is asked to let the session go on; the run is running again once it has agreed.",
    verb: "Resume the run",
    said: () => "The run is running again.",
  }),
  recover: {
    label: "Recover…",
    title: "Recover this run?",
    does: "If nobody watches the run, or its observer has fallen silent, another observer takes it over at once and reads on from where it was left. Nothing is done while its observer lives. It ends nothing by itself; but if the runtime no longer knows the session, the run ends as lost.",
    verb: "Recover the run",
    fields: [],
    request: (_, run) => ({ path: `/runs/${run}/recover` }),
    said: ({ takenOver, found, status }) =>
      takenOver
        ? `${FOUND[found]}. Another observer has taken the run over; it is ${status}.`
        : "Nothing was to be done: its observer lives and watches it.",
  },
};
