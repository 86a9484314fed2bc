"""The defects that control planes had before us, and that this one must not have: each id with what is required instead."""

# What starts and answers.
STARTS = {
    "A01": "a fresh checkout starts with the documented command alone",
    "A02": "all migrations apply to an empty database and to any earlier one",
    "A03": "what is released starts by the documented entry point",
    "A04": "lists without a query answer with the documented defaults",
    "A05": "every documented default is in force where a parameter is absent",
    "A06": "numbers in a query are text; the address of a replay opens as it is given",
    "A07": "no route takes another one's fixed word for an id",
    "A08": "a repeated request under one key is the same run and launches nothing",
    "A09": "two first requests under one key at once are one run",
    "A10": "one key with two bodies is a conflict",
    "A11": "a session that an agent opens is waited for until the admission deadline",
    "A12": "a restart fails no open run",
    "A13": "silence alone fails no session before its own deadline",
    "A14": "an unknown member of a body is refused with its path",
    "A15": "runs are found by the environment and scenario of their session",
    "A16": "a body that lacks what is required is 400",
}

# What is kept, and that it agrees.
KEEPS = {
    "B01": "all that a batch changes commits together or not at all",
    "B02": "writers at once lose no update: the state is the fold of the log",
    "B03": "metrics equal a recount of the log",
    "B04": "a write needs one connection; a pool of N serves N writers",
    "B05": "numbers have no gap and no repeat, whatever was rolled back",
    "B06": "a clash of numbers is an error, and drops no event",
    "B07": "no crash loses what tells of a change: audit entry, outbox, webhook",
    "B08": "no writer passes the lifecycle by; cancelled stays cancelled",
    "B09": "a fault while a run is failed neither stops the process nor keeps the run open",
    "B10": "reading goes on at the runtime's own position, stored with its events",
    "B11": "what is told again after a reconnect is recorded once",
    "B12": "rebuilt, replayed and live state are equal",
    "B13": "a rebuild covers any length, beside writers, whatever version is stored",
    "B14": "nothing of an ended run stays in memory",
    "B15": "what the state shows is stored: alike from GET, stream and export",
    "B16": "every message sent is listed with its fate",
    "B17": "an export keeps each event's type and can be read back without loss",
    "B18": "the state shows the run's status at every number; a commitment ends nothing",
    "B19": "duration and last event do not change after the end",
    "B20": "what an ending adds to metadata overwrites no change and counts all events",
    "B21": "a message yields each type once; a participant is seen once",
    "B22": "moving to the present status is harmless; any illegal move names both",
    "B23": "nothing follows the ending; what comes late is kept apart and counted",
}

# What goes on, and who is told.
GOES_ON = {
    "C01": "a runtime that stays away is waited for until a limit, without filling the log",
    "C02": "the runs of an observer that died have another one in time",
    "C03": "of two owners the former one writes nothing",
    "C04": "no lock depends on the connection it was taken by",
    "C05": "a runtime that accepts and stays silent keeps no run open",
    "C06": "memory per stream is bounded; a stalled reader is cut off and harms nobody",
    "C07": "the whole state is not sent after every batch",
    "C08": "a viewer gets every number once and in order",
    "C09": "from cursor 0 the whole run is told",
    "C10": "snapshot and events join without gap or overlap",
    "C11": "only events carry an id, their number",
    "C12": "the stream of a run that is over ends and closes",
    "C13": "the stream of an unknown run is 404",
    "C14": "coming back at or past the ending is 204",
    "C15": "nothing of a stream stays in memory after its last viewer",
    "C16": "viewers of several web processes get each frame once, and the end",
    "C17": "a message nobody can read is kept raw and stops nothing",
    "C18": "a cancel does not wait for the next message",
    "C19": "a failure after the opening closes the stream and cancels the session",
    "C20": "a message is accepted by the runtime's own ack alone, and repeated under its id",
    "C21": "a session reported cancelled ends its run as cancelled",
    "C22": "discovered sessions of any id become runs; what is remembered is bounded",
    "C23": "the breaker counts transport failures, admits one probe, guards streams, ignores health checks",
    "C24": "readiness says 503 when not ready; liveness and reconnecting streams are no part of it",
    "C25": "a runtime that lost its sessions ends their runs as lost",
}

# What is nobody's business.
PROTECTS = {
    "D01": "no call leads inside, however its target is spelled or redirected",
    "D02": "secrets of webhooks are sealed and shown once",
    "D03": "the bearer of a cancel callback is shown nowhere",
    "D04": "a webhook is signed over id and time; its secret is changed without a loss",
    "D05": "a key does what its scopes say and no more",
    "D06": "keys are kept as hashes and compared in constant time",
    "D07": "who is counted and logged holds no part of a key, nor is mixed up with another",
    "D08": "limits hold over all processes, probes are exempt",
    "D09": "a browser streams without a lasting key in the address",
    "D10": "metrics can be closed",
    "D11": "every change has an audit entry or does not happen",
    "D12": "nobody is spoken for without a credential and a seat in the run",
    "D13": "secrets are masked in whatever is shown, and no pattern stalls the process",
    "D14": "bodies of policies are checked member by member",
    "D15": "no keys let nobody in; production does not start without one",
    "D16": "no request chooses a command or a file",
}

# How it answers, and what that costs.
ANSWERS = {
    "E01": "the statements of a batch do not grow with it",
    "E02": "payload bytes are stored once, and no index twice",
    "E03": "an export takes constant memory at its reader's pace; batches are limited",
    "E04": "every list has a greatest limit; a bad value in any query is 400",
    "E05": "an event has one shape wherever it is shown",
    "E06": "every error has one shape, a known code and the request's id",
    "E07": "malformed is 400, too large 413",
    "E08": "pages across runs skip and repeat nothing",
    "E09": "totals count under the filters of their list",
    "E10": "the dashboard honours its window and equals a recount",
    "E11": "a call costs the price of its model",
    "E12": "webhooks outlive a restart, count truly, and wait for no slow receiver",
    "E13": "a session starts with all that the request said",
    "E14": "a signal is one of the protocol, tied to its session, with type and severity",
    "E15": "one task is one subject, one handoff too",
    "E16": "ids are found in both styles and inside JSON",
    "E17": "progress is 0 to 100",
    "E18": "the role of a participant is shown",
    "E19": "sandbox runs are listed when asked for; archived ones come back",
    "E20": "deliveries are listed and sent again; raw and late data exported; recoveries are events",
    "E21": "unknown runs and bad numbers of a replay or rebuild are 404 and 400",
    "E22": "a runtime that is away is 503, one that refuses 502",
    "E23": "every metric is moved by a test",
    "E24": "what is known of an ended session is written down",
}

REQUIRED = STARTS | KEEPS | GOES_ON | PROTECTS | ANSWERS

# Each of these speaks of webhooks, too: a test of theirs must be among those that quote it.
OF_WEBHOOKS = frozenset({"B07", "D01", "D02", "D04", "E12", "E20"})
