"""The cursor of the feed: a place in it as text that clients pass back as they got it."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

from runs.queries import Position

# The first byte is the form: another one may follow, and its cursors must not be taken for these.
_FORM = 1
_PACKED = struct.Struct(">Bq16sq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def cursor_of(position: Position) -> str:
    """The text that stands for a place."""
    microseconds = (position.ts - _EPOCH) // _MICROSECOND
    packed = _PACKED.pack(_FORM, microseconds, position.run_id.bytes, position.seq)
    return base64.urlsafe_b64encode(packed).decode()


def position_from(text: str) -> Position | None:
    """The place that `text` stands for; None for what no answer of ours ever held."""
    try:
        form, microseconds, run_id, seq = _PACKED.unpack(base64.b64decode(text, altchars=b"-_", validate=True))
        position = Position(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=run_id), seq)
    except (binascii.Error, struct.error, OverflowError, ValueError):
        return None
    return position if form == _FORM and seq > 0 else None
