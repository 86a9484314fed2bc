"""How much of a run its projection keeps: the caps of docs/projection.md, written once.

A list that is full loses its oldest entry. The counters beside the lists go on counting.
"""

PARTICIPANTS = 1000
NODES = 1100  # every participant and the four lifecycle nodes, with room to spare
EDGES = 300
CONTRIBUTIONS = 50
REASONS = 20
SIGNALS = 200
SIGNAL_PAYLOAD_BYTES = 4096
PROGRESS = 100
RECENT = 50
ARTIFACTS = 200
EVALUATIONS = 50
TALLIES = 50
CALLS = 100
EXTENSION_KEYS = 100

PROSE = 4096  # characters of one free text; a message of a megabyte is in its event, not in every snapshot

# Never served:
VOTES = 5000  # a vote forgotten stays in the counts, only a second one by the same voter would count again
BALLOTS = 1000
AWAITED_ECHOES = 100
RECIPIENTS = 300  # of one message; more edges than this would push each other out
UNBOUNDED = 2**63  # the ids of all participants ever seen: the normaliser must not greet one twice
