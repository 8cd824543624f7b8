"""What benchmarks of several nodes wait for."""

import pytest
from machines import PASSING, is_accepted

from runline.domain.messages import Rejected
from runline.engine.requests import Accepted, refused


def test_what_is_refused_for_now_is_sent_again_and_what_will_never_be_accepted_ends_the_measurement():
    assert is_accepted(Accepted(7, []))
    for code in PASSING:
        assert not is_accepted(refused(0, Rejected(code, "Not now.")))
    with pytest.raises(RuntimeError, match="in a session"):
        is_accepted(refused(0, Rejected("not_permitted", "A gateway acts as itself, or in a session.")))
