"""What tests ask of a snapshot: functions of a module of their own, which a reader process imports without any test."""

import os

from runline.domain.tickets import Ticket


def where(snapshot):
    return snapshot.stream, snapshot.position


def beside(snapshot, stream, row_type, key):
    other = snapshot.of_stream(stream)
    return other.stream, other.position, other.row(row_type, key)


def row(snapshot, row_type, *key):
    return snapshot.row(row_type, *key)


def subtree(snapshot, top):
    return snapshot.subtree(top)


def found(snapshot, *asked):
    """The rows that are wanted, and beyond which number there may be more."""
    numbers = snapshot.find(*asked)
    return snapshot.rows(asked[0], [number for number, *_ in numbers.numbers]), numbers


def with_risk(snapshot, wanted):
    return snapshot.find(Ticket, wanted, 100, "risk_minor").numbers


def entries(snapshot, before, limit):
    return list(snapshot.entries(before, limit))


def made_by(snapshot, command, limit):
    return snapshot.made_by(command, limit)


def refusals(snapshot, before):
    return list(snapshot.refusals(before))


def batch_of(snapshot, node, decided_ns):
    return snapshot.batch_of(node, decided_ns)


def fails(snapshot, how):
    raise ValueError(how)


def process(snapshot):
    return os.getpid()
