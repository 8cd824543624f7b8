"""Pages: how rows become a page. What it costs goes by the rows that it shows."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from runline.domain.ordered import Ordered
from runline.domain.queries.bounds import PAGE_NODES_MAX, PAGE_PASSED_MAX
from runline.domain.queries.declared import Asked, Page

SAID_DIGITS = 9
"""More than any count of keys has."""


def page_of(rows: Iterable[Any], asked: Asked[Any], key: Callable[[Any], str]) -> Page:
    """A page of rows that are in the order of their keys, from the one after `asked.after`."""
    found = list(islice(rows, asked.limit + 1))
    return Page(found[: asked.limit], key(found[asked.limit - 1]) if len(found) > asked.limit else "")


def nodes_from(state: Any, top: str, start: str) -> Iterator[str]:
    """The nodes of a subtree from one of them on; none if that is not (or no longer) one of them."""
    if not start or (state.tree.known(start) and state.tree.below(top, start)):
        return state.tree.subtree(top, start)  # type: ignore[no-any-return]
    return iter(())


def page_of_nodes(
    state: Any,
    top: str,
    asked: Asked[Any],
    keys: Callable[[str], Ordered[Any]],
    row: Callable[[Any], Any],
    key: Callable[[str], Any] = str,
    text: Callable[[Any], str] = str,
) -> Page:
    """A page of what stands at the nodes of a subtree: `keys` gives the keys at a node, `row` what is shown of one. text: how
    `next` names a key; key: which one it names.

    A page that has come past PAGE_NODES_MAX nodes is short, even empty, and has a `next` all the same.
    """
    start, _, after = asked.after.partition("/")
    items: list[Any] = []
    ended: tuple[str, Any] = "", None
    for passed, node in enumerate(nodes_from(state, top, start)):
        if passed == PAGE_NODES_MAX:
            return Page(items, f"{node}/")
        here = keys(node)
        if here:
            for one in here.after(key(after)) if after else here:
                if len(items) == asked.limit:
                    return Page(items, f"{ended[0]}/{text(ended[1])}")
                items.append(row(one))
                ended = node, one
        after = ""
    return Page(items)


def page_of_some(
    keys_after: Callable[[str], Iterable[Any]],
    asked: Asked[Any],
    row: Callable[[Any], Any | None],
    text: Callable[[Any], str],
) -> Page:
    """A page of those keys, which are in order, for which there is a row to show. text: how `next` names a key; keys_after: the
    keys behind one of that name.

    A page that has come past PAGE_PASSED_MAX keys is short, even empty, and has a `next` all the same. What is not shown is not
    named by `next` either: it names the last key that was shown, and says how many were passed since. Some of those are looked at
    again, so that nothing is missed if a few of them have gone meanwhile.
    """
    items: list[Any] = []
    last, stroke, said = asked.after.rpartition("/")
    if not stroke or not said.isdecimal():
        # Nothing was passed, and what was shown last has a stroke in its name.
        last, said = asked.after, "0"
    skipped = max(int(said[:SAID_DIGITS]) - PAGE_PASSED_MAX // 2, 0)
    hidden = skipped
    for passed, key in enumerate(islice(keys_after(last), skipped, None)):
        if passed == PAGE_PASSED_MAX:
            return Page(items, f"{last}/{hidden}")
        shown = row(key)
        if shown is None:
            hidden += 1
        elif len(items) == asked.limit:
            return Page(items, last)
        else:
            items.append(shown)
            last, hidden = text(key), 0
    return Page(items)
