"""KeyedRequest: what a caller asked for under an idempotency key of its own, and what it was answered."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import connection, models

from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID, Project
from runs.models.run import Run

KEPT_S = timedelta(hours=24).total_seconds()

# One statement: of all that come first at once the unique key lets one insert, and the others wait until it has. Taken over
# is a row whose time is over, whatever it was for, and one that nobody will answer any more, for the same body only: it
# keeps its id, under which the first may have made something. `statement_timestamp` stands still within the statement.
_CLAIM = """
INSERT INTO runs_keyedrequest AS k
       (id, project_id, run_id, route, key_sha256, body_sha256, claim, claimed_until, status, answer, expires_at)
VALUES (%(id)s, %(project_id)s, %(run_id)s, %(route)s, %(key_sha256)s, %(body_sha256)s, %(claim)s,
        statement_timestamp() + make_interval(secs => %(patience_s)s), NULL, NULL,
        statement_timestamp() + make_interval(secs => %(kept_s)s))
ON CONFLICT (project_id, key_sha256) DO UPDATE
   SET (id, body_sha256, claim, claimed_until, status, answer, expires_at)
     = (CASE WHEN k.expires_at <= statement_timestamp() THEN excluded.id ELSE k.id END,
        excluded.body_sha256, excluded.claim, excluded.claimed_until, NULL, NULL, excluded.expires_at)
 WHERE k.expires_at <= statement_timestamp()
    OR (k.status IS NULL AND k.claimed_until <= statement_timestamp() AND k.body_sha256 = excluded.body_sha256)
RETURNING id, claim
"""
# These three of whoever still holds the claim: another may have taken it over meanwhile.
_KEEP = """
UPDATE runs_keyedrequest
   SET status = %s, answer = %s, expires_at = statement_timestamp() + make_interval(secs => %s)
 WHERE id = %s AND claim = %s AND status IS NULL
"""
_LAPSE = (
    "UPDATE runs_keyedrequest SET claimed_until = statement_timestamp() WHERE id = %s AND claim = %s AND status IS NULL"
)
_RELEASE = "DELETE FROM runs_keyedrequest WHERE id = %s AND claim = %s AND status IS NULL"
# Sweeps that meet leave each other's rows alone.
_PRUNE = """
DELETE FROM runs_keyedrequest
 WHERE id IN (SELECT id FROM runs_keyedrequest WHERE expires_at <= statement_timestamp()
               ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """One request under a key: `route` for people; what tells it from others are the digests of the key, and of the body.

    `run_id` is the run it is about, if it is about one.
    """

    project_id: UUID
    run_id: UUID | None
    route: str
    key_sha256: bytes
    body_sha256: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer the request `id`; `token` tells it from the claims of those who were here before."""

    id: UUID
    token: UUID


class KeyedRequestQuerySet(models.QuerySet["KeyedRequest"]):
    """Requests, claimed, answered, released and cleared away by one statement each."""

    def claim(self, keyed: Keyed, *, patience_s: float) -> Claim | None:
        """The claim of whoever is to answer the request, good for `patience_s`; None if another one is, or has been.

        Raises IntegrityError if its run is gone.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                _CLAIM,
                {
                    "id": uuid7(),
                    "project_id": keyed.project_id,
                    "run_id": keyed.run_id,
                    "route": keyed.route,
                    "key_sha256": keyed.key_sha256,
                    "body_sha256": keyed.body_sha256,
                    "claim": uuid4(),
                    "patience_s": patience_s,
                    "kept_s": KEPT_S,
                },
            )
            found = cursor.fetchone()
        return None if found is None else Claim(*found)

    def keep(self, claim: Claim, *, status: int, answer: bytes | None) -> None:
        """Whoever repeats the request within KEPT_S is answered this, unless the claim was taken over."""
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [status, answer, KEPT_S, claim.id, claim.token])

    def lapse(self, claim: Claim) -> None:
        """Whoever repeats the request takes it over, under its id."""
        with connection.cursor() as cursor:
            cursor.execute(_LAPSE, [claim.id, claim.token])

    def release(self, claim: Claim) -> None:
        """There was no such request."""
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, [claim.id, claim.token])

    def prune(self, *, at_most: int) -> int:
        """Up to `at_most` requests whose time is over are gone; returns how many."""
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, [at_most])
            return int(cursor.rowcount)


class KeyedRequest(models.Model):
    """Under way while it has no status; an answer that shows a secret is not kept, its status is."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, default=DEFAULT_PROJECT_ID, db_index=False)
    # What was answered of a run goes with the run: indexed for that, and its constraint (migration 0012) cascades.
    run = models.ForeignKey(Run, models.CASCADE, null=True, blank=True, db_index=True, db_constraint=False)
    route = models.CharField(max_length=255, help_text="method and template of the path")
    key_sha256 = models.BinaryField(max_length=32, help_text="of the path and the key, which may be a secret")
    body_sha256 = models.BinaryField(max_length=32, help_text="of the canonical body and the query")
    claim = models.UUIDField(help_text="of whoever answers it, so that nobody else stores an answer")
    claimed_until = models.DateTimeField(help_text="then nobody will answer it any more")
    status = models.SmallIntegerField(null=True, blank=True, help_text="of the answer; null while under way")
    answer = models.BinaryField(null=True, blank=True, help_text="byte for byte")
    expires_at = models.DateTimeField(db_index=True)  # pruning

    objects = KeyedRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            # Claiming is one upsert: of twenty first requests one is served.
            models.UniqueConstraint(fields=["project", "key_sha256"], name="keyedrequests_key"),
        ]

    def __str__(self) -> str:
        return self.route
