"""The oracle's pages: every query that is declared is held against something, and may be asked by those who are said to."""

import dataclasses

from tests.doubles.plain import VOCABULARY

from runline.simulate.disk import Disk
from runline.simulate.folded import Folded
from runline.simulate.looking_back import LookingBack
from runline.simulate.oracle.asking import QUERIES
from runline.simulate.watched import QUERIES as ROWS

NOT_COMPARED: dict[str, str] = {}
"""Queries whose rows nothing predicts, each with the reason: none."""

BY_THE_PROCESS = {"conditions"}
"""What the process says of itself."""

BY_THE_REGISTRY = {"cluster", "cluster_streams"}
"""What the registry of the nodes says, which changes by itself."""


def test_every_query_that_is_declared_is_held_against_the_oracle_or_the_log():
    back = LookingBack(VOCABULARY, Disk(bytes), Folded(VOCABULARY, {}))
    shown = {name for name, query in QUERIES.items() if query.show is not None}
    assert not shown & set(back.pages)
    assert shown | set(back.pages) | BY_THE_PROCESS | BY_THE_REGISTRY == set(VOCABULARY.queries) - set(NOT_COMPARED)
    assert set(back.pages) == {name for name, query in VOCABULARY.queries.items() if query.history}
    assert {name for name, query in VOCABULARY.queries.items() if query.of_process} == BY_THE_PROCESS
    assert {name for name, query in VOCABULARY.queries.items() if query.of_cluster} == BY_THE_REGISTRY


def test_whoever_may_ask_is_who_is_declared():
    for name, query in QUERIES.items():
        declared = VOCABULARY.queries[name]
        said = (query.needs or None, query.players, sorted(query.streams), query.most)
        assert said == (declared.needs, declared.players, sorted(declared.streams), declared.rows_max), name
    assert len({dataclasses.astuple(query)[:2] for query in QUERIES.values()}) > 5


def test_the_rows_of_every_topic_are_held_against_a_query():
    assert set(VOCABULARY.topic_rows) == set(ROWS)
