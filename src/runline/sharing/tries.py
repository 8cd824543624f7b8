"""Tries: how often a wrong password was given, from where and for whom; whoever guesses waits.

Rule: they are counted where the streams are, for all gateways together.

Rule: nobody outside can make anybody else wait. Tries are counted by address and user, so that a guesser delays only who sits at
the same address; a device from which the user has signed in before is counted by itself. Only strange devices, all together, have
a bound for each user, so that guessing from many addresses has one too.

Rule: unknown users are counted like known ones, so that nothing can be learned from waiting.
"""

from collections import OrderedDict

import msgspec

from runline.domain.messages import Rejected
from runline.domain.queries.inside import Try
from runline.sharing.limits import (
    FREE_FAILURES,
    RETRY_DELAY_NS_MAX,
    STRANGE_FAILURES_MAX,
    TRIES_NS,
    TRIES_REMEMBERED_MAX,
)

SECOND_NS = 10**9


class Count(msgspec.Struct):
    """Wrong passwords in a row, or within TRIES_NS. retry_ns: no try before. until_ns: when it is forgotten."""

    failures: int = 0
    retry_ns: int = 0
    until_ns: int = 0


class Counts:
    """Counts by what they are of; the one changed longest ago is forgotten when there are too many."""

    def __init__(self) -> None:
        self.known: OrderedDict[bytes, Count] = OrderedDict()

    def of(self, key: bytes, now_ns: int) -> Count:
        """The count of a key; it is remembered from now on."""
        count = self.known.pop(key, None)
        if count is None or not count.until_ns - TRIES_NS <= now_ns < count.until_ns:
            # It is over, or the clock was set back since: nobody waits for what a wrong clock has said.
            count = Count(until_ns=now_ns + TRIES_NS)
        self.known[key] = count
        if len(self.known) > TRIES_REMEMBERED_MAX:
            self.known.popitem(last=False)
        return count

    def forget(self, key: bytes) -> None:
        """Begin anew."""
        self.known.pop(key, None)


class Tries:
    """Who has tried, and who must wait. (In memory: a restart forgets it.)"""

    def __init__(self) -> None:
        self.places = Counts()
        self.strange = Counts()
        self.users = Counts()
        self.in_session = Counts()
        """Wrong passwords of whoever is signed in, by session."""

    def begin(self, tried: Try, now_ns: int) -> int:
        """Count a password that is being checked as wrong, until it turns out otherwise: how many are counted by now, for this
        user within TRIES_NS or in this session.

        Raises Rejected `sign_in_delayed`.
        """
        if tried.signed:
            count = self.in_session.of(tried.place, now_ns)
            count.failures += 1
            return count.failures
        here = self.places.of(tried.place, now_ns)
        strange = self.strange.of(tried.user, now_ns) if tried.strange else Count()
        require_time(here.retry_ns, now_ns)
        if strange.failures >= STRANGE_FAILURES_MAX:
            require_time(strange.until_ns, now_ns)
        here.failures += 1
        here.retry_ns = now_ns + retry_delay_ns(here.failures)
        here.until_ns = now_ns + TRIES_NS
        strange.failures += 1
        all_together = self.users.of(tried.user, now_ns)
        all_together.failures += 1
        return all_together.failures

    def end(self, tried: Try, *, right: bool) -> None:
        """It was the right password, or (`right` is false) it could not be checked, and does not count."""
        places = self.in_session if tried.signed else self.places
        if right:
            places.forget(tried.place)
        elif (here := places.known.get(tried.place)) is not None:
            here.failures -= 1
            here.retry_ns = 0
        if not tried.signed:
            # This try is no failure of its user.
            for counts in (self.strange, self.users) if tried.strange else (self.users,):
                count = counts.known.get(tried.user)
                if count is not None:
                    count.failures -= 1


def require_time(retry_ns: int, now_ns: int) -> None:
    """Refuse a try that comes too early. Raises Rejected `sign_in_delayed`."""
    if now_ns < retry_ns:
        raise Rejected("sign_in_delayed", "Too many wrong passwords. Try again later.", retry_ns=retry_ns)


def retry_delay_ns(failures: int) -> int:
    """None for the first failures, then a second, doubled each time, up to RETRY_DELAY_NS_MAX."""
    if failures <= FREE_FAILURES:
        return 0
    return min(SECOND_NS << min(failures - FREE_FAILURES - 1, 32), RETRY_DELAY_NS_MAX)
