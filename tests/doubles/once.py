"""Once: what follows from declarations alone is made once in a process of tests, not for each server, file and client again."""

import os
from collections.abc import Callable, Hashable, Iterable
from functools import cache
from typing import Any

import pytest
from httpx._config import create_ssl_context

from runline.domain.vocabulary import Vocabulary
from runline.gateway import app
from runline.gateway.documentation import documentation_page
from runline.gateway.openapi import make_document
from runline.gateway.operations import Operation
from runline.store.migrations import run as migrations


def once(make: Callable[..., Any], key: Callable[..., Hashable]) -> Callable[..., Any]:
    """The same function, which makes once what has the same key. What it is called with is kept: a key may go by identity."""
    made: dict[Hashable, tuple[Any, Any]] = {}

    def made_once(*args: Any, **named: Any) -> Any:
        found = key(*args, **named)
        if found not in made:
            made[found] = args, make(*args, **named)
        return made[found][1]

    return made_once


def declared(vocabulary: Vocabulary, _: Iterable[Operation]) -> Hashable:
    """What an API's document, and its operations, follow from: vocabularies of the same nouns are as good as one."""
    kinds = (vocabulary.commands, vocabulary.events, vocabulary.queries, vocabulary.topics)
    return tuple(id(one) for kind in kinds for one in kind.values())


def trusted(*args: Any, **named: Any) -> Hashable:
    """Whom a client trusts."""
    return *args, *named.items(), os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")


def make_once(patch: pytest.MonkeyPatch) -> None:
    """Have it so: the API's document and its page, the script that makes an empty file a database, whom clients trust."""
    patch.setattr(app, "make_document", once(make_document, declared))
    patch.setattr(app, "documentation_page", once(documentation_page, id))
    patch.setattr(migrations, "upgrade_sql", cache(migrations.upgrade_sql))
    patch.setattr("httpx._transports.default.create_ssl_context", once(create_ssl_context, trusted))
