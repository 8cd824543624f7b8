"""Site: the address at which browsers know this server, and what follows from it: cookies, and the headers of every answer.

Rule: where browsers come by TLS, the cookie's name begins with `__Host-`, which no other host and no plain connection can set,
and no other name is looked at. Whether they do is said by the settings, never by a request.
"""

import msgspec

from runline.domain.messages import Rejected

COOKIE = "runline"
DEVICE_COOKIE = "runline-device"
STRICT = "__Host-"
"""A cookie whose name begins so is taken by browsers only with `Secure`, from this very host."""

SAFE_METHODS = ("GET", "HEAD")

HSTS = b"strict-transport-security: max-age=31536000\r\n"
"""Browsers come by TLS only, for a year."""

ALWAYS = b"x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n"

Headers = dict[bytes, bytes]


class Site(msgspec.Struct, frozen=True):
    """Where the server is. url: as browsers have it, such as https://book.example; "" if it is what they ask for.

    tls: whether the server itself speaks TLS.
    """

    url: str = ""
    tls: bool = False

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.tls or self.url.startswith("https://")

    @property
    def headers(self) -> bytes:
        """What the head of every answer says."""
        return ALWAYS + HSTS if self.secure else ALWAYS

    def cookie_name(self, name: str = COOKIE) -> str:
        """The name under which a cookie is set."""
        return STRICT + name if self.secure else name

    def cookie_of(self, headers: Headers, name: str = COOKIE) -> str:
        """The token in a cookie, or "". The strict name wins; with TLS there is no other."""
        found: dict[bytes, bytes] = {}
        for part in headers.get(b"cookie", b"").split(b";"):
            named, _, value = part.strip().partition(b"=")
            found.setdefault(named, value)
        token = found.get(f"{STRICT}{name}".encode())
        if token is None and not self.secure:
            token = found.get(name.encode())
        return (token or b"").decode("latin-1")

    def token_of(self, headers: Headers, method: str) -> str:
        """The token of a request: a bearer's, or the console's cookie if the request comes from the console's own pages.

        Raises Rejected `cross_site`.
        """
        authorization = headers.get(b"authorization", b"")
        if authorization[:7].lower() == b"bearer ":
            return authorization[7:].strip().decode("latin-1")
        token = self.cookie_of(headers)
        if token and method not in SAFE_METHODS:
            # A browser says where a request comes from; a page of another site must not act by this cookie.
            site = headers.get(b"sec-fetch-site", b"same-origin")
            if site not in (b"same-origin", b"none") or not self.is_own(headers):
                raise Rejected("cross_site", "This request comes from another site.")
        return token

    def is_own(self, headers: Headers) -> bool:
        """Whether a request comes from a page of this site, or does not say from where."""
        origin = headers.get(b"origin", b"")
        if not origin:
            return True
        if self.url:
            return origin == self.url.encode()
        scheme, _, host = origin.partition(b"://")
        return host == headers.get(b"host", b"") and (scheme == b"https" or not self.tls)
