"""What the description of the routes says of the queries of insights."""

from insights.api.windows import FORMER, LENGTHS, USUAL
from insights.exports import EVENTS_OF_EACH
from runs.api import described

MOST_EVENTS = 50_000

WINDOW = (
    described.word("window", tuple(LENGTHS), default=USUAL, description="up to `to`"),
    described.word("range", FORMER, description="older name of `window`"),
    described.moment("from", "overrides `window`; in the window"),
    described.moment("to", "now, if absent; not in the window"),
    described.text("environment", "of runs whose metadata.environment is this"),
    described.text("scenarioRef", "of runs whose sourceRef is this, or whose metadata.scenarioRef contains it"),
)
LISTS = (
    described.truth("includeCanonical", default=True),
    described.truth("includeRaw", default=False, description="with what came late"),
)
FORM = (
    described.integer("eventLimit", least=1, most=MOST_EVENTS, default=EVENTS_OF_EACH, description="of each list"),
    described.word("format", ("json", "jsonl"), default="json"),
)
