"""Topics of rows: one of which nothing could ever be sent is refused before anybody follows it."""

import pytest

from runline.domain.permissions import Permission
from runline.domain.topics import Topic
from runline.domain.vocabulary import VOCABULARY, VocabularyError
from runline.live.hubs import Hubs
from runline.live.rows import require_kinds
from runline.sharing.spending import Spending
from runline.sharing.turns import ReadingTurns

TABLES = Topic("tables", "Tables, by `table`.", Permission.FIGURES_VIEW, players=False, house=False, events=False)


def test_all_topics_that_there_are_can_be_sent():
    require_kinds(VOCABULARY.topics.values())


def test_a_topic_of_rows_of_which_nothing_is_known_is_refused_at_the_start(monkeypatch):
    monkeypatch.setattr(VOCABULARY, "topics", {**VOCABULARY.topics, "tables": TABLES})
    with pytest.raises(VocabularyError, match="The topic tables has no events, and there is no kind of row for it"):
        Hubs(None, ReadingTurns(), Spending(lambda: 0))  # type: ignore[arg-type]
