"""What masks secrets wherever rows are shown that keep them."""

import functools

from django.conf import settings

from runs.domain.redaction import Redactor


@functools.cache
def redactor() -> Redactor:
    """What masks secrets in everything that is shown: the built-in patterns and the configured ones."""
    return Redactor(settings.MACP_REDACT_PATTERNS)
