"""When faults happen: by rules, by a seed, the same each time."""

import random
from collections import Counter

from tests.servers.network_faults import FAULTS, Asked, Rule, Rules, Seeded

GET = Asked("GET", "/photos/one", "", "0-99")
PUT = Asked("PUT", "/photos/one", "partNumber=2&uploadId=u", "")


def test_a_rule_waits_and_is_used_up() -> None:
    schedule = Rules(Rule(fault="500", skip=1, times=2))
    assert [schedule(GET) for _ in range(5)] == [None, "500", "500", None, None]
    assert [Rules(Rule(fault="403", times=None))(GET) for _ in range(3)] == ["403"] * 3


def test_a_rule_is_for_some_requests() -> None:
    schedule = Rules(Rule(fault="reset", method="PUT", path="/photos/*", query="partNumber=2&*", times=None))
    assert schedule(PUT) == "reset"
    assert schedule(GET) is None
    assert schedule(PUT._replace(query="partNumber=1&uploadId=u")) is None
    assert schedule(PUT._replace(path="/other/one")) is None


def test_the_first_rule_that_is_not_used_up_decides() -> None:
    schedule = Rules(Rule(fault="429"), Rule(fault="503"))
    assert [schedule(GET) for _ in range(3)] == ["429", "503", None]


def test_a_seed_gives_the_same_faults_in_any_order() -> None:
    asked = [GET._replace(range=f"{n}-{n + 9}") for n in range(300)] * 3
    first = Seeded(7, 0.3, FAULTS)
    mixed = random.Random(1).sample(asked, len(asked))
    in_order = Counter((request, first(request)) for request in asked)
    second = Seeded(7, 0.3, FAULTS)
    assert Counter((request, second(request)) for request in mixed) == in_order
    other = Seeded(8, 0.3, FAULTS)
    assert Counter((request, other(request)) for request in asked) != in_order


def test_a_seeded_request_succeeds_in_the_end() -> None:
    schedule = Seeded(7, 1.0, ["500"], at_most=2)
    assert [schedule(GET) for _ in range(4)] == ["500", "500", None, None]
