"""Settings: frozen, one Struct for each part. From a TOML file, the environment and flags, in that order of strength.

Rule: what is not known is refused, wherever it stands, with what was probably meant; and of every value it is known where it
comes from, so that whoever looks for it knows where to change it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from runline.bus.reach import ReachError, Tls, require_reachable
from runline.domain.bounds import SESSION_NS_MAX, SESSION_NS_MIN
from runline.gateway.addresses import LOOPBACK
from runline.shell import ENVIRONMENT, VARIABLES, UnusableError, nearest, reason_of
from runline.store.where import is_address

HIDDEN = "(set, not shown)"

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
"""A port of TCP; 0: any free one."""

GATEWAYS_MAX = 32

Gateways = Annotated[int, msgspec.Meta(ge=0, le=GATEWAYS_MAX)]
"""Processes that speak HTTP: no more than there may be links, while each is replaced by another."""


class SettingsError(UnusableError):
    """A setting cannot be used."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the book is kept.

    path: the SQLite file. committer: process (one of its own, on a second core: half as fast again and more, see
    benchmarks/RESULTS.md) or inline (in the engine's process). url: the database of PostgreSQL in which it is kept instead of a
    file, such as postgresql://runline@/runline?host=/run/postgresql (a password belongs into PGPASSWORD or ~/.pgpass); with
    several hosts, whichever of them takes commits. replicas: whether what is acknowledged there must be on a synchronous standby
    as well: required, or optional (where there are standbys one must be synchronous).
    """

    path: Path = Path("runline.db")
    committer: Literal["inline", "process"] = "process"
    url: str = ""
    replicas: Literal["optional", "required"] = "optional"

    def __post_init__(self) -> None:
        if self.replicas == "required" and not self.url:
            raise ValueError("a file has no replicas: set url, or leave replicas as it is")
        if self.url and not is_address(self.url):
            raise ValueError("url is the address of a database of PostgreSQL, such as postgresql://runline@/runline")
        if self.url and self.committer != "process":
            raise ValueError("a database of PostgreSQL is written by a process of its own: leave committer as it is")


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """node: this process's name in the log. owner: the user who owns the house that a new database starts with."""

    node: str = "n1"
    owner: str = "platform"


class ServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP server.

    role: what this process does: all; engine (it owns streams, and speaks no HTTP) or gateway (it speaks HTTP, and owns none),
    both in a cluster only. host, port: where it listens (port 0: any free one). tls_certificate, tls_key: PEM files; without them
    it speaks plain HTTP, for this machine or behind a proxy. public_url: where browsers come to, if that is not here, such as
    https://book.example; it says that a proxy speaks TLS, and cookies follow from it. proxies: networks of the proxies that are
    believed about a client's address; none else is. proxy_header: where they say it (x-forwarded-for or forwarded); they must
    write it themselves. exempt: networks whose addresses may have any number of connections. owner_password: the first password
    of the house's owner; without it one is made and shown once. gateways: how many processes of their own speak HTTP and TLS,
    hash passwords and write to the live streams, on other cores than the engine's; 0: the engine's process does all of it.
    """

    role: Literal["all", "engine", "gateway"] = "all"
    host: str = "127.0.0.1"
    port: Port = 8321
    gateways: Gateways = 0
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
        for name in ("proxies", "exempt"):
            for network in getattr(self, name):
                try:
                    ip_network(network)
                except ValueError as error:
                    raise ValueError(f"{name} takes networks such as 10.0.0.0/8 or fd00::/8: {error}") from None


class ClusterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Processes that share a database of PostgreSQL and its streams, each under a node name of its own.

    address: where others reach this one: unix:/run/runline/n1 on one machine, 10.0.0.1:8322 between machines; without one this
    process is alone. listen: where it listens for them, if elsewhere (in a container). tls_certificate, tls_key, tls_authority:
    PEM files: its certificate and key, and whose certificates are those of nodes; beyond one machine they speak to none without.
    """

    address: str = ""
    listen: str = ""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authority: Path | None = None

    def __post_init__(self) -> None:
        if len({one is None for one in (self.tls_certificate, self.tls_key, self.tls_authority)}) > 1:
            raise ValueError("tls_certificate, tls_key and tls_authority go together: set all three, or none")
        try:
            for address in filter(None, (self.address, self.listen)):
                require_reachable(address, self.tls)
        except ReachError as error:
            raise ValueError(f"address: {error}") from None

    @property
    def tls(self) -> Tls | None:
        """What links to and from this process are encrypted by."""
        if self.tls_certificate is None or self.tls_key is None or self.tls_authority is None:
            return None
        return Tls(self.tls_certificate, self.tls_key, self.tls_authority)


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
        for kind in ("screen", "program"):
            whole_s, idle_s = getattr(self, f"{kind}_s"), getattr(self, f"{kind}_idle_s")
            if not SESSION_NS_MIN <= idle_s * 10**9 <= whole_s * 10**9 <= SESSION_NS_MAX:
                least, most = SESSION_NS_MIN // 10**9, SESSION_NS_MAX // 10**9
                raise ValueError(
                    f"sessions last {least} to {most} seconds, and idle no longer than at all, but {kind}_s is {whole_s} and "
                    f"{kind}_idle_s {idle_s}"
                )


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of a process."""

    store: StoreSettings = StoreSettings()
    engine: EngineSettings = EngineSettings()
    server: ServerSettings = ServerSettings()
    sessions: SessionSettings = SessionSettings()
    cluster: ClusterSettings = ClusterSettings()


Key = tuple[str, str]
"""A setting: its part and its name."""

SECRETS: tuple[Key, ...] = (("store", "url"), ("server", "owner_password"))

FLAGS: dict[Key, str] = {
    ("store", "path"): "--database",
    ("store", "committer"): "--committer",
    ("store", "url"): "--store",
    ("engine", "node"): "--node",
    ("server", "role"): "--role",
    ("server", "host"): "--host",
    ("server", "port"): "--port",
    ("server", "gateways"): "--gateways",
    ("cluster", "address"): "--links",
}
"""The settings that have a flag."""


class Origin(msgspec.Struct, frozen=True, rename={"kind": "from"}):
    """Where a value comes from. name: of the file, the variable or the flag; "" of a default."""

    kind: Literal["default", "file", "environment", "flag"]
    name: str = ""

    def words(self) -> str:
        """It in words."""
        return self.name or "default"


class Loaded(msgspec.Struct, frozen=True):
    """The settings of a process, and where each value comes from."""

    settings: Settings
    origins: dict[Key, Origin]

    def where(self, part: str, name: str) -> str:
        """A setting with its origin, for a message."""
        origin, setting = self.origins[part, name], f"{name} of [{part}]"
        return {"default": setting, "file": f"{origin.name}: {setting}"}.get(origin.kind, origin.name)


def load_settings(file: Path | None, environ: Mapping[str, str], flags: Mapping[Key, Any]) -> Settings:
    """The settings alone. Raises SettingsError."""
    return load(file, environ, flags).settings


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[Key, Any]) -> Loaded:
    """The settings of a file (if given), over which go those of the environment, over which go flags (None: not given).

    Raises SettingsError.
    """
    require_known_variables(environ)
    written = {} if file is None else read_file(file)
    parts: dict[str, Any] = {}
    origins: dict[Key, Origin] = {}
    for part, field in every_setting():
        key, variable = (part, field.name), variable_of(part, field.name)
        values = parts.setdefault(part, {})
        origin, value = Origin("default"), field.default
        if field.name in written.get(part, {}):
            origin, value = Origin("file", str(file)), written[part][field.name]
        if variable in environ:
            origin, value = Origin("environment", variable), environ[variable]
            value = listed(value) if isinstance(field.default, tuple) else value
        if flags.get(key) is not None:
            origin, value = Origin("flag", FLAGS[key]), str(flags[key])
        origins[key] = origin
        values[field.name] = value if origin.kind == "default" else usable(key, field, value, origin)
    loaded = Loaded(Settings(**{part: made(part, values, origins) for part, values in parts.items()}), origins)
    require_together(loaded)
    return loaded


def require_together(loaded: Loaded) -> None:
    """Refuse settings of several parts that do not go together. Raises SettingsError."""
    settings = loaded.settings
    role, address, url = settings.server.role, settings.cluster.address, settings.store.url
    database = "shares a database of PostgreSQL with others: set url of [store]"
    wrong: list[tuple[object, Key, str]] = [
        (address and not url, ("cluster", "address"), f"is of a node, which {database}"),
        (settings.cluster.listen and not address, ("cluster", "listen"), "is of a node: set address of [cluster]"),
        (role == "gateway" and not url, ("server", "role"), f"is gateway, which {database}"),
        (
            role == "engine" and not address,
            ("server", "role"),
            "is engine, which only nodes reach: set address of [cluster]",
        ),
        (
            role == "gateway" and address,
            ("cluster", "address"),
            "is of a node, and role of [server] is gateway: set one of them",
        ),
        (
            role != "all" and settings.server.gateways,
            ("server", "gateways"),
            f"is not for a process whose role is {role}",
        ),
    ]
    for is_so, (part, name), words in wrong:
        if is_so:
            raise SettingsError(f"{loaded.where(part, name)} {words}")


def every_setting() -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    """(part, field) of every setting, in their order."""
    for part in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(part.type):
            yield part.name, field


def variable_of(part: str, name: str) -> str:
    """A setting's name in the environment: RUNLINE_SERVER_PORT is `port` of `[server]`."""
    return f"{ENVIRONMENT}{part}_{name}".upper()


def require_known_variables(environ: Mapping[str, str]) -> None:
    """Refuse a variable that looks like ours and is not. Raises SettingsError."""
    known = [*(variable_of(part, field.name) for part, field in every_setting()), *VARIABLES]
    for name in sorted(environ):
        if name.startswith(ENVIRONMENT) and name not in known:
            raise SettingsError(
                f"{name} in the environment is no setting. {nearest(name, known)}Otherwise: unset {name}"
            )


def read_file(file: Path) -> dict[str, dict[str, Any]]:
    """The parts of a file with their settings, all of them known. Raises SettingsError."""
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--config: the file cannot be read: {reason_of(error)}") from None
    except ValueError as error:
        raise SettingsError(f"--config: {file} cannot be read as TOML: {error}") from None
    known: dict[str, list[str]] = {}
    for part, field in every_setting():
        known.setdefault(part, []).append(field.name)
    for part, values in written.items():
        if part not in known:
            listed_parts = ", ".join(f"[{one}]" for one in known)
            raise SettingsError(
                f"{file}: there is no part [{part}]. {nearest(part, known)}The parts are {listed_parts}"
            )
        if not isinstance(values, dict):
            raise SettingsError(f"{file}: {part} is a part: write [{part}] in a line, and its settings below")
        for name in values:
            if name not in known[part]:
                names = ", ".join(known[part])
                raise SettingsError(
                    f"{file}: [{part}] has no setting {name}. {nearest(name, known[part])}It has {names}"
                )
    return written


def usable(key: Key, field: msgspec.structs.FieldInfo, value: Any, origin: Origin) -> Any:
    """A value of its setting's type. Raises SettingsError."""
    try:
        return msgspec.convert(value, field.type, strict=False, dec_hook=path_hook)
    except msgspec.ValidationError:
        part, name = key
        where = f"{origin.name}: {name} of [{part}]" if origin.kind == "file" else origin.name
        found = "" if key in SECRETS else f", not {value!r}"
        raise SettingsError(f"{where} takes {taken(msgspec.inspect.type_info(field.type))}{found}") from None


def taken(kind: msgspec.inspect.Type) -> str:
    """What a setting takes, in words."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return " or ".join(taken(one) for one in kind.types if not isinstance(one, msgspec.inspect.NoneType))
    if isinstance(kind, msgspec.inspect.LiteralType):
        return " or ".join(map(str, kind.values))
    if isinstance(kind, msgspec.inspect.IntType):
        return "a whole number" + (f" from {kind.ge} to {kind.le}" if kind.le is not None else "")
    if isinstance(kind, msgspec.inspect.VarTupleType):
        return "a list of texts"
    return "a path" if isinstance(kind, msgspec.inspect.CustomType) else "a text"


def made(part: str, values: dict[str, Any], origins: Mapping[Key, Origin]) -> Any:
    """A part, if its settings go together. Raises SettingsError."""
    kind = type(getattr(Settings(), part))
    try:
        return kind(**values)
    except ValueError as error:
        given = sorted({origins[part, name].words() for name in values if origins[part, name].kind != "default"})
        raise SettingsError(f"{', '.join(given)}: in [{part}], {error}") from None


def listed(text: str) -> list[str]:
    """A list as it is written in the environment: with commas between, "" for none."""
    return [one.strip() for one in text.split(",") if one.strip()]


def path_hook(kind: type, value: Any) -> Any:
    """Paths are written as text."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise msgspec.ValidationError("a path is a text")


def settings_toml(loaded: Loaded) -> str:
    """The settings as TOML, each with where it comes from, without secrets."""
    lines: list[str] = []
    before = ""
    for part, field in every_setting():
        if part != before:
            lines += ["", f"[{part}]"]
            before = part
        value, origin = getattr(getattr(loaded.settings, part), field.name), loaded.origins[part, field.name].words()
        if (part, field.name) in SECRETS:
            lines.append(f"# {field.name}: {f'{HIDDEN}, {origin}' if value else 'not set'}")
        elif value is None:
            lines.append(f"# {field.name}: not set")
        else:
            lines.append(f"{field.name} = {msgspec.json.encode(plain(value)).decode()}  # {origin}")
    return "\n".join(lines[1:]) + "\n"


def plain(value: Any) -> Any:
    """A value as JSON and TOML have it."""
    return str(value) if isinstance(value, Path) else value


def settings_json(loaded: Loaded) -> dict[str, dict[str, Any]]:
    """The settings by part and name: {"value", "from", "name"} of each. A secret has `set` instead of its value."""
    found: dict[str, dict[str, Any]] = {}
    for part, field in every_setting():
        value, origin = getattr(getattr(loaded.settings, part), field.name), loaded.origins[part, field.name]
        shown = {"set": bool(value)} if (part, field.name) in SECRETS else {"value": plain(value)}
        found.setdefault(part, {})[field.name] = shown | msgspec.to_builtins(origin)
    return found
