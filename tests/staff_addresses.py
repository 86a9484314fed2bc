"""Every list, search and filter of the pages for staff, by name, over the rows of many_runs.py."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from runs.models import OutboundMessage, Run
from tests.many_runs import DAYS, RARE_SOURCE, RARE_TAG, long_run, run_id
from webhooks.models import Endpoint

HOME, LIST, COMPARE = "/admin/", "/admin/console/runs/", "/admin/console/compare"
NOBODY = "nothing-of-the-kind"

Queries = Mapping[str, Mapping[str, object]]


class Addresses:
    """The addresses, around one old run, one endpoint, and the run with the long log."""

    def __init__(self, runs: int, *, pages: int) -> None:
        self.runs, self.pages = runs, pages  # those are as many as a list of the admin has
        self.long = long_run(runs)
        self.old = Run.objects.get(id=run_id(runs // 3))
        self.names: dict[str, object] = {
            "id": self.old.id,
            "session": self.old.session_id,
            "message": OutboundMessage.objects.get(run=self.old).message_id,
            "nothing": NOBODY,
        }
        self.endpoint = Endpoint.objects.order_by("id")[0].id

    def all(self) -> dict[str, str]:
        """All of them."""
        return {
            "home": HOME,
            "home: its part": f"{HOME}?part",
            **self.lists(),
            **self.of_the_long_run(),
            **self.admin(),
        }

    def lists(self) -> dict[str, str]:
        """The list of the console, and what its actions say before they are done."""
        deep = {"after": f"{self.old.created_at.isoformat()}_{self.old.id}"}
        stretch = {
            "from": (self.old.created_at - timedelta(days=DAYS / 15)).isoformat(),
            "to": self.old.created_at.isoformat(),
        }
        statuses = ("running", "queued", "completed", "failed", "cancelled")
        searched = {**self.names, "frequent tag": "team-3", "rare tag": RARE_TAG, "source": "pack/7"}
        queries: Queries = {
            "first page": {},
            "deep page": deep,
            **{status: {"status": status} for status in statuses},
            "failed, deep": {"status": "failed", **deep},
            "rare code": {"code": "run_timeout"},
            "no such code": {"code": "internal_error"},
            "sandbox": {"kind": "sandbox"},
            "frequent tag": {"tag": "team-3"},
            "frequent tag, deep": {"tag": "team-3", **deep},
            "rare tag": {"tag": RARE_TAG},
            "no such tag": {"tag": NOBODY},
            "mode": {"mode": "macp.mode.task.v1"},
            "rare runtime": {"runtime": "process"},
            "environment": {"environment": "env-3"},
            "no such environment": {"environment": NOBODY},
            "archived": {"archived": 1},
            "stretch of time": stretch,
            "stretch of time, failed": {**stretch, "status": "failed"},
            **{f"search {what}": {"q": term} for what, term in searched.items()},
            "search rare source": {"q": RARE_SOURCE},
        }
        picked = [run_id(self.runs - number) for number in range(50)]
        preview = urlencode({"action": "cancel", "id": picked}, doseq=True)
        return {**_named("list", LIST, queries), "list: what a cancel of 50 would do": f"{LIST}preview?{preview}"}

    def of_the_long_run(self) -> dict[str, str]:
        """What the page of a run with a long log asks for, and the comparison with another."""
        page, api = f"{LIST}{self.long}", f"/runs/{self.long}"
        parts = {
            "page": page,
            "head": f"{page}/head",
            "last lines": f"{page}/lines?afterSeq={max(0, self.runs - 1_000)}",
            "lines in the middle": f"{page}/lines?afterSeq={self.runs // 2}",
            "owner and stream": f"{page}/ownership",
            "webhooks": f"{page}/told",
            "state": f"{api}/state",
            "one event": f"{api}/events?afterSeq={self.runs // 2}&limit=1",
            "messages": f"{api}/messages?limit=1000",
            "artifacts": f"{api}/artifacts",
            "late data": f"{api}/late?limit=200",
            "compared": f"{COMPARE}?left={self.long}&right={self.old.id}",
        }
        return {f"run page: {what}": address for what, address in parts.items()}

    def admin(self) -> dict[str, str]:
        """The lists of the admin, filtered and searched, and a page of one row each."""
        all_of_it: Queries = {"all": {}, "last page": {"p": self.pages}}
        found: Queries = {f"search {what}": {"q": term} for what, term in self.names.items()}
        tags: Queries = {"search frequent tag": {"q": "team-3"}, "search rare tag": {"q": RARE_TAG}}
        long: Queries = {"of a long log": {"run__exact": self.long}}
        terms = {"actor": "robot-7", "action": "run.cancelled", "resource id": self.old.id, "nothing": NOBODY}
        said: Queries = {f"search {what}": {"q": term} for what, term in terms.items()}
        of_one, exhausted = {"endpoint": self.endpoint}, {"status": "exhausted"}
        tables: dict[str, Queries] = {
            "runs/run": {**all_of_it, **_by("status", "failed", "queued"), **found, **tags},
            "runs/event": {**all_of_it, **_by("type", "run.failed", "signal.emitted"), **found, **long},
            "runs/outboundmessage": {**all_of_it, **_by("status", "failed"), **found},
            "runs/projection": {**all_of_it, **found},
            "runs/auditentry": {**all_of_it, **said},
            "webhooks/endpoint": {"all": {}, "search": {"q": "hooks-7"}},
            "webhooks/delivery": {
                **all_of_it,
                **_by("status", "exhausted", "cancelled"),
                "of an endpoint": of_one,
                "of an endpoint, exhausted": {**of_one, **exhausted},
                **found,
            },
        }  # fmt: skip
        lists = [_named(f"admin {table}", f"{HOME}{table}/", queries) for table, queries in tables.items()]
        rows = {"runs/run": self.old.id, "webhooks/endpoint": self.endpoint}
        pages = {f"admin {table}: one": f"{HOME}{table}/{key}/change/" for table, key in rows.items()}
        return {name: address for some in (*lists, pages) for name, address in some.items()}


def _by(column: str, *values: str) -> Queries:
    return {f"{column} {value}": {column: value} for value in values}


def _named(where: str, address: str, queries: Queries) -> dict[str, str]:
    return {f"{where}: {what}": f"{address}?{urlencode(query)}" for what, query in queries.items()}
