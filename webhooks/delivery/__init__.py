"""Deliveries and their attempts: claimed fairly, recorded under the epoch of the claim. Nothing is sent here.

    claim() -> Parcel ... somebody sends it ... -> Result -> record()

A claim is for a time and commits before anything is sent: no row is locked while a receiver takes its time. A result counts
only under the epoch of its claim, so whoever comes back after its time changes nothing. Between a send and its record lies
the one place where a crash makes a receiver hear twice: under the same `webhook-id`.
"""

from webhooks.delivery.claiming import AT_MOST, claim
from webhooks.delivery.due import next_due
from webhooks.delivery.leftovers import cancel_leftovers
from webhooks.delivery.recording import Sent, record, record_all

__all__ = ["AT_MOST", "Sent", "cancel_leftovers", "claim", "next_due", "record", "record_all"]
