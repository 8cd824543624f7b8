"""The site as browsers know it: which cookie counts, and whose pages may act by it."""

import pytest

from runline.domain.messages import Rejected
from runline.gateway.site import HSTS, Site

PLAIN = Site()
TLS = Site(tls=True)
PROXIED = Site("https://book.example")

STRICT = b"__Host-runline=right"
OTHERS = b"runline=wrong"


def test_with_tls_only_the_strict_cookie_is_set_and_looked_at():
    for site in (TLS, PROXIED):
        assert (site.cookie_name(), site.cookie_name("other")) == ("__Host-runline", "__Host-other")
        assert site.cookie_of({b"cookie": OTHERS}) == ""
        for both in (OTHERS + b"; " + STRICT, STRICT + b"; " + OTHERS):
            assert site.cookie_of({b"cookie": both}) == "right"
        assert HSTS in site.headers


def test_without_tls_the_strict_cookie_wins_if_there_is_one():
    assert PLAIN.cookie_name() == "runline"
    assert PLAIN.cookie_of({b"cookie": b"a=b; runline=mine; c=d"}) == "mine"
    for both in (OTHERS + b"; " + STRICT, STRICT + b"; " + OTHERS):
        assert PLAIN.cookie_of({b"cookie": both}) == "right"
    assert HSTS not in PLAIN.headers


def test_of_several_cookies_of_a_name_the_first_counts():
    assert PLAIN.cookie_of({b"cookie": b"runline=mine; runline=another"}) == "mine"


@pytest.mark.parametrize(
    ("site", "origin", "host"),
    [
        (PLAIN, b"http://localhost:8321", b"localhost:8321"),
        (PLAIN, b"https://book.example", b"book.example"),
        (TLS, b"https://book.example", b"book.example"),
        (PROXIED, b"https://book.example", b"whatever:8321"),
        (PROXIED, b"", b"book.example"),
    ],
)
def test_own_pages_act_by_the_cookie(site, origin, host):
    headers = {b"cookie": STRICT, b"host": host} | ({b"origin": origin} if origin else {})
    assert site.token_of(headers, "POST") == "right"


@pytest.mark.parametrize(
    ("site", "origin", "host"),
    [
        (PLAIN, b"http://evil.example", b"book.example"),
        (TLS, b"http://book.example", b"book.example"),
        (PROXIED, b"http://book.example", b"book.example"),
        (PROXIED, b"https://evil.example", b"evil.example"),
        (PROXIED, b"null", b"book.example"),
    ],
)
def test_pages_of_other_sites_do_not(site, origin, host):
    headers = {b"cookie": STRICT, b"host": host, b"origin": origin}
    with pytest.raises(Rejected) as refused:
        site.token_of(headers, "POST")
    assert refused.value.code == "cross_site"
    assert site.token_of(headers, "GET") == "right"
