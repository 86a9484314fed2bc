"""How an ExecutionRequest lies in `Run.request`: canonical JSON, with the bearer of its cancel callback sealed.

`decode_request` reads it back; a bearer in it stays sealed until `bearer_of` is asked.
"""

from typing import cast

from runs.domain.events import JsonObject
from runs.domain.requests import ExecutionRequest, canonical, document_of
from runs.keyring import seal, unseal


def stored_text(request: ExecutionRequest) -> str:
    """The text of the column; no secret in it is readable."""
    document = document_of(request)
    callback = _callback(cast(JsonObject, document["session"]).get("metadata"))
    if "bearer" in callback:
        callback["sealedBearer"] = seal(cast(str, callback.pop("bearer")))
    return canonical(document).decode()


def bearer_of(request: ExecutionRequest) -> str | None:
    """What a call of the cancel callback is authorised with. Raises SecretUnreadable if its key is gone."""
    callback = _callback(request.session.metadata)
    if "sealedBearer" in callback:
        return unseal(cast(str, callback["sealedBearer"]))
    return cast("str | None", callback.get("bearer"))


def _callback(metadata: object) -> JsonObject:
    callback = metadata.get("cancelCallback") if isinstance(metadata, dict) else None
    return callback if isinstance(callback, dict) else {}
