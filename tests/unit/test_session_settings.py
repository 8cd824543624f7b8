"""Session settings: how long somebody is signed in, within bounds."""

import pytest

from runline.config import SettingsError, load_settings
from runline.domain.sessions import LIMITS, SessionLimits
from runline.serving import lasting


def settings(**environ):
    names = {f"RUNLINE_SESSIONS_{name.upper()}": str(value) for name, value in environ.items()}
    return load_settings(None, names, {}).sessions


def test_unless_they_say_otherwise_the_settings_are_the_domains_own():
    assert lasting(settings()) == LIMITS


def test_each_kind_has_its_own_times():
    found = lasting(settings(screen_s=3_600, screen_idle_s=60))
    assert found == {"screen": SessionLimits(60 * 10**9, 3_600 * 10**9), "program": LIMITS["program"]}


@pytest.mark.parametrize(
    "wrong", [{"screen_s": 60}, {"screen_idle_s": 0}, {"program_idle_s": -1}, {"program_s": 500 * 24 * 3_600}]
)
def test_a_time_that_no_session_may_have_is_refused(wrong):
    with pytest.raises(SettingsError, match="sessions last"):
        settings(**wrong)
