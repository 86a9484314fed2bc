"""All schemas of `runs` by the names under which the documents keep them."""

from runs.api.schemas import bodies, frames, log, run, runtime, state
from runs.api.schemas.shapes import Schema

SCHEMAS: dict[str, Schema] = {
    **run.SCHEMAS,
    **log.SCHEMAS,
    **state.SCHEMAS,
    **frames.SCHEMAS,
    **runtime.SCHEMAS,
    **bodies.SCHEMAS,
}
