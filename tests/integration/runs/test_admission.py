"""Who may open a stream, and stay: by header, ticket or staff session, the same for SSE and WebSocket (D09)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db.models import F
from django.http import HttpRequest
from django.test import AsyncClient, Client
from pytest_django.fixtures import Settings

from config.handler import Handler
from config.http import keys, stream_authentication
from config.remembered import RememberedEach
from runs.bridge import rows
from runs.errors import Forbidden, Unauthenticated, ValidationFailed
from runs.models import ApiKey, Run, Ticket
from runs.models.identity import uuid7
from runs.models.project import DEFAULT_PROJECT_ID
from runs.streaming.admission import Admission, admit
from runs.streaming.handshake import request_of
from runs.streaming.seats import seats
from tests.cast import running_run
from tests.integration.runs.test_overdue import at_once
from tests.keys import StoredKey, stored_key
from tests.opening import Headers, cookie_of, logged_in, sse_request, websocket_request
from tests.staff import make_groups

pytestmark = pytest.mark.django_db

Open = Callable[[dict[str, str], Headers], HttpRequest]

OURS = "http://testserver"
CONSOLE = "https://console.example"
KEY = "Bearer test-key"
PATIENCE = 10


@pytest.fixture(autouse=True)
def one_key(settings: Settings) -> None:
    settings.AUTH_API_KEYS = ["tester=test-key"]
    settings.CORS_ORIGIN = [CONSOLE]


@pytest.fixture(params=[sse_request, websocket_request])
def opening(request: pytest.FixtureRequest) -> Open:
    """Either way to open a stream."""
    way: Open = request.param
    return way


@pytest.fixture
def run() -> Run:
    return running_run()


def ticket_of(run: Run | None, *, by: Client | None = None, **headers: str) -> str:
    """A ticket, made over HTTP."""
    body = {"runId": str(run.id)} if run else {}
    named = headers if by else {"Authorization": KEY, **headers}
    response = (by or Client()).post("/stream-tickets", body, content_type="application/json", headers=named)
    assert response.status_code == 201, response.content
    return str(response.json()["ticket"])


def admitted(opening: Open, run: Run | None, headers: Headers | None = None, *, ticket: str | None = None) -> Admission:
    query = {} if ticket is None else {"ticket": ticket}
    return admit(opening(query, headers or {}), run_id=run.id if run else None)


def reason_of(error: Forbidden | Unauthenticated) -> object:
    return error.details.get("reason")


# --- header


def test_a_key_is_admitted_as_who_it_is(opening: Open, run: Run) -> None:
    principal = admitted(opening, run, {"Authorization": KEY}).principal
    assert (principal.id, principal.name, principal.project_id) == ("key:tester", "tester", DEFAULT_PROJECT_ID)
    assert "runs:read" in principal.scopes


def test_a_stored_key_is_admitted_into_its_project(opening: Open, run: Run) -> None:
    key = stored_key(project_id=uuid7())
    principal = admitted(opening, run, {"Authorization": key.header}).principal
    assert (principal.id, principal.project_id) == (f"key:{key.id}", ApiKey.objects.get(id=key.id).project_id)


def test_a_key_without_the_scope_is_refused_and_told_which(opening: Open, run: Run) -> None:
    with pytest.raises(Forbidden) as refused:
        admitted(opening, run, {"Authorization": stored_key("runs:write").header})
    assert refused.value.details == {"scope": "runs:read"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer wrong"}])
def test_a_stranger_is_not_admitted(headers: Headers, opening: Open, run: Run) -> None:
    with pytest.raises(Unauthenticated):
        admitted(opening, run, headers)


def test_a_header_alone_decides_beside_a_cookie_and_a_ticket(opening: Open, run: Run) -> None:
    cookie, ticket = cookie_of(logged_in()), ticket_of(run)
    both = {"Authorization": KEY, "Cookie": cookie, "Origin": "https://evil.example"}
    assert admitted(opening, run, both, ticket=ticket).principal.id == "key:tester"
    for header in ("Bearer wrong", "Bearer ", ""):
        for shown in (ticket, None):
            with pytest.raises(Unauthenticated):
                admitted(opening, run, {"Authorization": header, "Cookie": cookie, "Origin": OURS}, ticket=shown)
    # It should have left the ticket alone.
    assert admitted(opening, run, ticket=ticket).principal.id == "key:tester"


# --- ticket


def test_a_ticket_admits_whoever_asked_for_it_once(opening: Open, run: Run) -> None:
    key = stored_key()
    ticket = ticket_of(run, Authorization=key.header)
    assert admitted(opening, run, ticket=ticket).principal.id == f"key:{key.id}"
    with pytest.raises(Unauthenticated, match="used"):
        admitted(opening, run, ticket=ticket)


def test_a_ticket_without_a_run_admits_to_the_summaries(opening: Open) -> None:
    assert admitted(opening, None, ticket=ticket_of(None)).principal.id == "key:tester"


@pytest.mark.parametrize("ticket", ["", "nonsense", "\N{REPLACEMENT CHARACTER}", "\0", "a" * 5000])
def test_a_ticket_that_never_was_admits_nobody(ticket: str, opening: Open, run: Run) -> None:
    # It should not be made up for by a session: whoever shows a ticket has said by what they want to come in.
    headers = {"Cookie": cookie_of(logged_in()), "Origin": OURS}
    with pytest.raises(Unauthenticated):
        admitted(opening, run, headers, ticket=ticket)


def test_a_ticket_opens_what_it_was_made_for_and_nothing_else(opening: Open, run: Run) -> None:
    for made_for, used_on in ((run, running_run()), (run, None), (None, run)):
        ticket = ticket_of(made_for)
        with pytest.raises(Unauthenticated):
            admitted(opening, used_on, ticket=ticket)
        # It should be used up: somebody has it who should not.
        with pytest.raises(Unauthenticated):
            admitted(opening, made_for, ticket=ticket)


def test_an_expired_ticket_admits_nobody(opening: Open, run: Run) -> None:
    ticket = ticket_of(run)
    Ticket.objects.update(expires_at=F("expires_at") - timedelta(seconds=29))
    assert admitted(opening, run, ticket=ticket).principal.id == "key:tester"
    ticket = ticket_of(run)
    Ticket.objects.update(expires_at=F("expires_at") - timedelta(seconds=30))
    with pytest.raises(Unauthenticated):
        admitted(opening, run, ticket=ticket)


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_show_one_ticket_at_once_one_is_admitted(run: Run) -> None:
    ticket = ticket_of(run)

    def show() -> object:
        try:
            return admitted(websocket_request, run, ticket=ticket).principal.id
        except Unauthenticated:
            return None

    shown = at_once(*[show] * 20)
    assert sorted(map(str, shown)) == sorted(["key:tester", *["None"] * 19])


@pytest.mark.parametrize(
    ("asked_from", "used_from"),
    [
        ({"Origin": CONSOLE}, {"Origin": "https://evil.example"}),
        ({"Origin": CONSOLE}, {"Origin": OURS}),
        ({"Origin": CONSOLE}, {}),
        ({"Origin": CONSOLE}, {"Sec-Fetch-Site": "same-origin"}),
        ({"Origin": OURS}, {"Sec-Fetch-Site": "same-site"}),
        ({}, {"Origin": CONSOLE}),
        ({}, {"Origin": OURS}),
    ],
)
def test_a_ticket_is_refused_on_another_page(asked_from: Headers, used_from: Headers, opening: Open, run: Run) -> None:
    ticket = ticket_of(run, **asked_from)
    with pytest.raises(Forbidden) as refused:
        admitted(opening, run, used_from, ticket=ticket)
    assert reason_of(refused.value) == "origin"


@pytest.mark.parametrize(
    ("asked_from", "used_from"),
    [
        ({"Origin": CONSOLE}, {"Origin": CONSOLE}),
        # A browser leaves it out when a page of ours opens an EventSource; behind TLS our own scheme is not known.
        ({"Origin": OURS}, {"Sec-Fetch-Site": "same-origin"}),
        ({"Origin": "https://testserver"}, {"Sec-Fetch-Site": "same-origin"}),
        ({}, {"Sec-Fetch-Site": "same-origin"}),
        ({}, {}),
    ],
)
def test_a_ticket_is_good_on_the_page_that_asked(
    asked_from: Headers, used_from: Headers, opening: Open, run: Run
) -> None:
    assert admitted(opening, run, used_from, ticket=ticket_of(run, **asked_from)).principal.id == "key:tester"


def test_a_ticket_is_worth_no_more_than_the_key_it_was_asked_for_with(opening: Open, run: Run) -> None:
    key = stored_key()
    revoked, narrowed = (ticket_of(run, Authorization=key.header) for _ in range(2))
    ApiKey.objects.filter(id=key.id).update(scopes=["runs:write"])
    with pytest.raises(Forbidden):
        admitted(opening, run, ticket=narrowed)
    forget()
    key.revoke()
    with pytest.raises(Unauthenticated):
        admitted(opening, run, ticket=revoked)


# --- staff session


@pytest.mark.parametrize("origin", [OURS, CONSOLE])
def test_staff_are_admitted_from_our_own_or_an_allowed_page_d09(origin: str, opening: Open, run: Run) -> None:
    principal = admitted(opening, run, {"Cookie": cookie_of(logged_in()), "Origin": origin}).principal
    assert (principal.name, principal.id.partition(":")[0]) == ("bob", "user")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "https://testserver"])
def test_staff_are_refused_from_a_foreign_page_d09(origin: str, opening: Open, run: Run) -> None:
    with pytest.raises(Forbidden) as refused:
        admitted(opening, run, {"Cookie": cookie_of(logged_in()), "Origin": origin})
    assert reason_of(refused.value) == "origin"


@pytest.mark.parametrize(
    ("site", "sse", "websocket"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True, False),
        ({"Sec-Fetch-Site": "none"}, True, False),
        ({}, True, False),
        ({"Sec-Fetch-Site": "cross-site"}, False, False),
        ({"Sec-Fetch-Site": "same-site"}, False, False),
    ],
)
def test_a_page_that_is_not_named_is_ours_or_refused(site: Headers, sse: bool, websocket: bool, run: Run) -> None:
    cookie = {"Cookie": cookie_of(logged_in())}
    for way, is_admitted in ((sse_request, sse), (websocket_request, websocket)):
        if is_admitted:
            assert admitted(way, run, cookie | site).principal.name == "bob"
        else:
            with pytest.raises(Forbidden) as refused:
                admitted(way, run, cookie | site)
            assert reason_of(refused.value) == "origin"


def test_the_words_for_a_member_of_staff_do_not_hold_their_session(opening: Open, run: Run) -> None:
    browser = logged_in()
    admission = admitted(opening, run, {"Cookie": cookie_of(browser), "Origin": OURS})
    assert str(browser.session.session_key) not in repr(admission)


def test_a_session_of_somebody_else_is_none(opening: Open, run: Run) -> None:
    for headers in ({"Cookie": cookie_of(logged_in("guest", is_staff=False))}, {"Cookie": "sessionid=nonsense"}):
        with pytest.raises(Unauthenticated):
            admitted(opening, run, headers | {"Origin": OURS})


# --- staying


def forget() -> None:
    """Five seconds are over for every key that was looked up."""
    for remembered in (keys.stored_by_digest, keys.stored_by_id):
        remembered._answers.clear()


@pytest.fixture(params=["header", "ticket"])
def by_key(request: pytest.FixtureRequest, opening: Open, run: Run) -> Callable[[StoredKey], Admission]:
    """Opens a stream with a key, shown or behind a ticket."""

    def by(key: StoredKey) -> Admission:
        if request.param == "header":
            return admitted(opening, run, {"Authorization": key.header})
        return admitted(opening, run, ticket=ticket_of(run, Authorization=key.header))

    return by


@pytest.fixture(params=["cookie", "ticket"])
def by_session(request: pytest.FixtureRequest, opening: Open, run: Run) -> Callable[[Client], Admission]:
    """Opens a stream with a staff session, shown or behind a ticket."""

    def by(browser: Client) -> Admission:
        if request.param == "cookie":
            return admitted(opening, run, {"Cookie": cookie_of(browser), "Origin": OURS})
        return admitted(opening, run, {"Origin": OURS}, ticket=ticket_of(run, by=browser, Origin=OURS))

    return by


@pytest.mark.parametrize("spoil", ["revoke", "expire"])
def test_a_stream_ends_with_its_key(spoil: str, by_key: Callable[[StoredKey], Admission]) -> None:
    key, other = stored_key(), stored_key()
    admission, stays = by_key(key), by_key(other)
    admission.recheck()
    getattr(key, spoil)()
    forget()
    with pytest.raises(Unauthenticated):
        admission.recheck()
    stays.recheck()


def test_a_revoked_key_fails_the_re_check_within_five_seconds(
    by_key: Callable[[StoredKey], Admission], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    remembered = RememberedEach(keys._find_by_id, seconds=keys.REMEMBER_S, at_most=10, clock=lambda: now)
    monkeypatch.setattr(stream_authentication, "stored_by_id", remembered)
    key = stored_key()
    admission = by_key(key)
    admission.recheck()
    key.revoke()
    now = 105.0
    with pytest.raises(Unauthenticated):
        admission.recheck()


def test_a_stream_ends_when_its_key_loses_the_scope(by_key: Callable[[StoredKey], Admission]) -> None:
    key = stored_key("runs:read", "runs:write")
    admission = by_key(key)
    ApiKey.objects.filter(id=key.id).update(scopes=["runs:write"])
    forget()
    with pytest.raises(Forbidden):
        admission.recheck()


def test_a_stream_ends_when_its_key_is_configured_no_more(opening: Open, run: Run, settings: Settings) -> None:
    by_header = admitted(opening, run, {"Authorization": KEY})
    by_ticket = admitted(opening, run, ticket=ticket_of(run))
    settings.AUTH_API_KEYS = ["other=other-key", "tester=test-key"]
    by_header.recheck()
    by_ticket.recheck()
    # It should not be the name that is looked for: another key has it now.
    settings.AUTH_API_KEYS = ["tester=its-successor"]
    for admission in (by_header, by_ticket):
        with pytest.raises(Unauthenticated):
            admission.recheck()


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"is_staff": False},
        {"password": "another"},  # a changed password ends every session
    ],
)
def test_a_stream_ends_when_its_user_is_staff_no_more(
    change: dict[str, object], by_session: Callable[[Client], Admission]
) -> None:
    admission, stays = by_session(logged_in()), by_session(logged_in("carol"))
    admission.recheck()
    User.objects.filter(username="bob").update(**change)
    with pytest.raises(Unauthenticated):
        admission.recheck()
    stays.recheck()


@pytest.mark.parametrize("of_a_group", [False, True])
def test_a_stream_ends_when_its_user_may_see_runs_no_more(
    of_a_group: bool, by_session: Callable[[Client], Admission]
) -> None:
    browser, other = logged_in(), logged_in("carol")
    bob = User.objects.get(username="bob")
    if of_a_group:
        make_groups()
        bob.user_permissions.clear()
        bob.groups.add(Group.objects.get(name="viewer"))
    admission, stays = by_session(browser), by_session(other)
    admission.recheck()
    (bob.groups if of_a_group else bob.user_permissions).clear()
    with pytest.raises(Forbidden):
        admission.recheck()
    stays.recheck()


def test_a_stream_ends_with_its_session(by_session: Callable[[Client], Admission]) -> None:
    browser, elsewhere = logged_in(), Client()
    elsewhere.force_login(User.objects.get(username="bob"))
    admission, stays = by_session(browser), by_session(elsewhere)
    browser.logout()
    with pytest.raises(Unauthenticated):
        admission.recheck()
    stays.recheck()
    Session.objects.update(expire_date=F("expire_date") - timedelta(days=30))
    with pytest.raises(Unauthenticated):
        stays.recheck()


# --- on the wire


@pytest.mark.django_db(transaction=True)
async def test_an_event_source_opens_its_stream_by_a_ticket_once_d09() -> None:
    run, key = await rows(running_run), await rows(stored_key)
    ticket = await rows(ticket_of, run, Authorization=key.header, Origin=CONSOLE)
    address, page = f"/runs/{run.id}/stream?ticket={ticket}", {"Origin": CONSOLE}

    opened = await AsyncClient().get(address, headers=page)
    assert (opened.status_code, opened["Content-Type"]) == (200, "text/event-stream")
    again = await AsyncClient().get(address, headers=page)
    assert (again.status_code, again.json()["errorCode"]) == (401, "UNAUTHENTICATED")


@pytest.mark.django_db(transaction=True)
async def test_a_caller_with_too_many_streams_is_told_to_wait(settings: Settings) -> None:
    settings.STREAM_MAX_PER_CALLER = 1
    run, key = await rows(running_run), await rows(stored_key)
    address, headers = f"/runs/{run.id}/stream", {"Authorization": key.header}
    first = await AsyncClient().get(address, headers=headers)
    second = await AsyncClient().get(address, headers=headers)
    assert (first.status_code, second.status_code, second.json()["errorCode"]) == (200, 429, "RATE_LIMITED")
    assert int(second["Retry-After"]) > 0


@pytest.mark.parametrize("stalls", [True, False])
@pytest.mark.django_db(transaction=True)
async def test_a_client_that_goes_leaves_its_seat_whether_it_was_written_to_or_waited(stalls: bool) -> None:
    run, key = await rows(running_run), await rows(stored_key)
    server = Server(f"/runs/{run.id}/stream", {"host": "testserver", "authorization": key.header}, stalls=stalls)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        await server.written.wait()
        assert seats.taken(f"key:{key.id}") == 1
        server.gone.set()
        await serving
        while seats.taken(f"key:{key.id}"):
            await asyncio.sleep(0.01)


class Server:
    """What a server does for one client, who stalls after the first words or reads on, until it is gone."""

    def __init__(self, path: str, headers: Headers, *, stalls: bool) -> None:
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": named}
        self._stalls = stalls
        self._asked = False
        self.written = asyncio.Event()
        self.gone = asyncio.Event()

    async def serve(self) -> None:
        """The application has come back."""
        await Handler()(self._scope, self._receive, self._send)

    async def _receive(self) -> dict[str, object]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b""}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, object]) -> None:
        if message["type"] == "http.response.body":
            self.written.set()
            if self._stalls:
                await asyncio.Event().wait()


# --- handshakes


def handshake(**changes: object) -> HttpRequest:
    scope = {"type": "websocket", "path": "/ws/runs", "query_string": b"", "headers": [(b"host", b"testserver")]}
    return request_of({**scope, **changes})


@pytest.mark.parametrize(("scheme", "shown"), [("ws", "http"), ("wss", "https")])
def test_a_handshake_has_the_scheme_of_the_page_that_made_it(scheme: str, shown: str) -> None:
    assert handshake(scheme=scheme).scheme == shown
    assert handshake().scheme == "http"


def test_a_handshake_reads_no_session_until_somebody_asks(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert handshake(headers=[(b"host", b"testserver"), (b"cookie", b"sessionid=abc")]).COOKIES == {
            "sessionid": "abc"
        }


def test_a_handshake_for_a_foreign_host_or_an_unreadable_address_is_a_fault(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    for changes in ({"headers": [(b"host", b"evil.example")]}, {"query_string": b"a=1&" * 2000}):
        with pytest.raises(ValidationFailed):
            handshake(**changes)


def test_who_is_admitted_does_not_depend_on_the_run_being_there(opening: Open) -> None:
    # It should be `standing_of` that says so, as 404.
    request = opening({}, {"Authorization": KEY})
    assert admit(request, run_id=UUID(int=1)).principal.id == "key:tester"
