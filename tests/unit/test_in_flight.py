"""How many pages and requests one visitor, and all of them together, may hold at once."""

from contextlib import ExitStack

import httpx
import pytest
from starlette.responses import PlainTextResponse

from app.access.doors import Admitted
from app.access.guard import FULL, TOO_MANY, Guard
from app.access.in_flight import MOST_PAGES, MOST_REQUESTS, InFlight
from app.access.policy import LOOPBACK, Policy
from engine.service.limits import SPACE
from engine.service.visitor import OPERATOR, Visitor

BEN, DANA = Visitor("guest-ben", "guest"), Visitor("guest-dana", "guest")
MOST = {"request": MOST_REQUESTS, "page": MOST_PAGES}


@pytest.mark.fault("load", "One visitor holds 64 requests or 16 pages open: the next is refused, others' are answered.")
@pytest.mark.parametrize("kind", MOST)
def test_a_visitor_has_a_limit(kind):
    flights = InFlight(SPACE.all_pages, SPACE.all_requests)
    with ExitStack() as held:
        assert {held.enter_context(flights.one_more(BEN, kind)) for _ in range(MOST[kind])} == {""}
        with flights.one_more(BEN, kind) as one_more, flights.one_more(DANA, kind) as others:
            assert (one_more, others) == ("own", "")
        with flights.one_more(BEN, "page" if kind == "request" else "request") as of_the_other_kind:
            assert of_the_other_kind == ""
    with flights.one_more(BEN, kind) as again:
        assert again == ""
    assert not flights._counts[kind]


@pytest.mark.fault("load", "Many guests hold requests open, each few: what all may have together ends that.")
def test_all_visitors_have_a_limit():
    flights = InFlight(None, 5)
    with ExitStack() as held:
        for number in range(5):
            assert held.enter_context(flights.one_more(Visitor(f"guest-{number}", "guest"))) == ""
        with flights.one_more(BEN) as late, flights.one_more(BEN, "page") as page:
            assert (late, page) == ("all", "")
    with flights.one_more(BEN) as again:
        assert again == ""


def test_who_is_alone_has_none():
    """Nobody else can reach the server then."""
    flights = InFlight(1, 1)
    with ExitStack() as held:
        for kind in MOST:
            assert {held.enter_context(flights.one_more(OPERATOR, kind)) for _ in range(MOST[kind] + 9)} == {""}


class Everybody:
    """Lets in whoever gives a name."""

    async def admit(self, scope, headers, receive):
        return Admitted(Visitor(headers["name"], "guest"))


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "said"), [("ben", TOO_MANY), ("dana", FULL)])
async def test_refusals_are_sentences(name, said):
    """Whoever has too much themselves is told so; whoever comes to a full server is told that."""
    answers = []

    async def inside(scope, receive, send):
        if left := int(scope["path"].removeprefix("/")):
            await client.get(f"/{left - 1}", headers={"name": "ben"})
        else:
            answers.append(await client.get("/0", headers={"name": name}))
        await PlainTextResponse("inside")(scope, receive, send)

    guard = Guard(inside, Policy(hosts=LOOPBACK, secret=b"s"), Everybody(), most_requests=MOST_REQUESTS)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://127.0.0.1:7860")
    outer = await client.get(f"/{MOST_REQUESTS - 1}", headers={"name": "ben"})
    assert [(answer.status_code, answer.text) for answer in answers] == [(429, said)]
    assert (outer.status_code, outer.text) == (200, "inside")
    assert guard._in_flight._counts["request"].total() == 0


@pytest.fixture
def anyio_backend():
    return "asyncio"
