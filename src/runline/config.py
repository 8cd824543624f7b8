"""Settings: frozen, one Struct for each part. From a TOML file, the environment and flags, in that order of strength."""

import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from runline.domain.bounds import SESSION_NS_MAX, SESSION_NS_MIN
from runline.gateway.addresses import LOOPBACK

ENVIRONMENT = "RUNLINE_"
"""The beginning of a setting's name in the environment: RUNLINE_SERVER_PORT is `port` of `[server]`."""

HIDDEN = "(set, not shown)"


class SettingsError(Exception):
    """A setting cannot be used."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the book is kept.

    path: the SQLite file. committer: process (one of its own, on a second core: half as fast again and more, see
    benchmarks/RESULTS.md) or inline (in the engine's process).
    """

    path: Path = Path("runline.db")
    committer: Literal["inline", "process"] = "process"


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """node: this process's name in the log. owner: the user who owns the house that a new database starts with."""

    node: str = "n1"
    owner: str = "platform"


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP server.

    host, port: where it listens (port 0: any free one). tls_certificate, tls_key: PEM files; without them it speaks plain HTTP,
    for this machine or behind a proxy. public_url: where browsers come to, if that is not here, such as https://book.example; it
    says that a proxy speaks TLS, and cookies follow from it. proxies: networks of the proxies that are believed about a client's
    address; none else is. proxy_header: where they say it (x-forwarded-for or forwarded); they must write it themselves. exempt:
    networks whose addresses may have any number of connections. owner_password: the first password of the house's owner; without
    it one is made and shown once.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    public_url: str = ""
    proxies: tuple[str, ...] = ()
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    exempt: tuple[str, ...] = LOOPBACK
    owner_password: str = ""

    def __post_init__(self) -> None:
        url = urlsplit(self.public_url)
        if self.public_url and (url.scheme not in ("http", "https") or not url.hostname or url.path or url.query):
            raise ValueError("public_url is a scheme and a host, such as https://book.example")
        for network in (*self.proxies, *self.exempt):
            ip_network(network)


class SessionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long somebody is signed in, in seconds.

    screen_s: how long a console shows after the password was given. screen_idle_s: after so long without anything that its person
    did, the next command wants the password again. program_s, program_idle_s: when a program's session ends, at all and without
    a request.
    """

    screen_s: int = 12 * 3_600
    screen_idle_s: int = 30 * 60
    program_s: int = 30 * 24 * 3_600
    program_idle_s: int = 24 * 3_600

    def __post_init__(self) -> None:
        for whole_s, idle_s in ((self.screen_s, self.screen_idle_s), (self.program_s, self.program_idle_s)):
            if not SESSION_NS_MIN <= idle_s * 10**9 <= whole_s * 10**9 <= SESSION_NS_MAX:
                least, most = SESSION_NS_MIN // 10**9, SESSION_NS_MAX // 10**9
                raise ValueError(f"sessions last {least} to {most} seconds, and idle no longer than at all")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of a process."""

    store: StoreSettings = StoreSettings()
    engine: EngineSettings = EngineSettings()
    server: ServerSettings = ServerSettings()
    sessions: SessionSettings = SessionSettings()


SECRETS = (("server", "owner_password"),)


def load_settings(file: Path | None, environ: Mapping[str, str], flags: Mapping[tuple[str, str], Any]) -> Settings:
    """The settings of a file (if given), over which go those of the environment, over which go flags (None: not given).

    Raises SettingsError.
    """
    found: dict[str, Any] = {}
    if file is not None:
        try:
            found = tomllib.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file} cannot be read: {error}") from error
    for part in Settings.__struct_fields__:
        for field in msgspec.structs.fields(getattr(Settings(), part)):
            name = f"{ENVIRONMENT}{part}_{field.name}".upper()
            value = flags.get((part, field.name))
            if value is None:
                value = environ.get(name)
            if value is not None:
                table = found.setdefault(part, {})
                if isinstance(table, dict):
                    table[field.name] = listed(str(value)) if isinstance(field.default, tuple) else str(value)
    try:
        return msgspec.convert(found, Settings, strict=False, dec_hook=path_hook)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error)) from error


def listed(text: str) -> list[str]:
    """A list as it is written in the environment: with commas between, "" for none."""
    return [one.strip() for one in text.split(",") if one.strip()]


def path_hook(kind: type, value: Any) -> Any:
    """Paths are written as text."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError


def settings_toml(settings: Settings) -> str:
    """The settings as TOML, without secrets."""
    lines: list[str] = []
    for part in Settings.__struct_fields__:
        lines += ["", f"[{part}]"]
        values = getattr(settings, part)
        for name in values.__struct_fields__:
            value = getattr(values, name)
            if (part, name) in SECRETS:
                lines.append(f"# {name}: {HIDDEN if value else 'not set'}")
            elif value is None:
                lines.append(f"# {name}: not set")
            else:
                kept = value if isinstance(value, int | tuple) else str(value)
                text = msgspec.json.encode(kept).decode()
                lines.append(f"{name} = {text}")
    return "\n".join(lines[1:]) + "\n"
