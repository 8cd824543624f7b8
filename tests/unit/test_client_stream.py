"""The client's side of the live stream: frames join, or it begins anew and says so."""

import asyncio
import logging

import httpx
import pytest

from runline.client import AsyncClient, Follower, Gap, Reset


def frame(kind, place, data, event_id=True):
    """A server-sent event, as a line of text."""
    name = f"id: l:{place}\n" if event_id else ""
    return f"{name}event: {kind}\ndata: {data}\n\n"


def image(position, house=1):
    return frame("image", f"{house}:{position}", f'{{"position":{position},"house":{house},"topics":{{}}}}')


def delta(after, to, house_from=1, house=1):
    return frame(
        "delta",
        f"{house}:{to}",
        f'{{"from":{after},"to":{to},"house_from":{house_from},"house":{house},"topics":{{}}}}',
    )


def heartbeat(after, position, house=1, event_id=True):
    data = f'{{"from":{after},"position":{position},"house_from":{house},"house":{house},"server_ns":1}}'
    return frame("heartbeat", f"{house}:{position}", data, event_id)


def event_of(text):
    fields = dict(line.split(": ", 1) for line in text.strip().split("\n"))
    return fields["event"], fields.get("id", ""), fields["data"]


def followed(*texts, last_id=""):
    follower = Follower(last_id)
    for text in texts:
        follower.frame(event_of(text))
    return follower


def test_frames_that_join_move_the_place_that_is_resumed_from():
    follower = followed(image(5), delta(5, 7), heartbeat(7, 9), delta(7, 12), delta(12, 12, 1, 4))
    assert (follower.last_id, follower.position, follower.house) == ("l:4:12", 12, 4)
    assert followed(delta(5, 7), last_id="l:1:5").position == 7
    assert followed(image(5), heartbeat(5, 99, event_id=False)).last_id == "l:1:5"


@pytest.mark.parametrize(
    "lost",
    [delta(7, 8), heartbeat(7, 8), delta(5, 6, 2, 3)],
    ids=["a delta", "what a heartbeat follows", "a delta of the house"],
)
def test_a_frame_that_begins_behind_the_last_one_is_a_gap_after_which_nothing_is_known(lost):
    follower = followed(image(5))
    with pytest.raises(Gap, match="behind l:1:5"):
        follower.frame(event_of(lost))
    assert (follower.last_id, follower.position) == ("", 0)


def test_a_delta_without_an_image_is_a_gap():
    with pytest.raises(Gap, match="behind nothing"):
        followed(delta(5, 7))


def test_a_reset_is_no_frame():
    with pytest.raises(Reset, match="revoked"):
        Follower().frame(("reset", "", '{"reason":"revoked"}'))


def test_a_stream_that_has_lost_a_frame_begins_anew_with_an_image_and_says_so(caplog):
    asked = []
    answers = [image(5) + delta(5, 7) + delta(9, 10), image(10) + delta(10, 11)]

    def answer(request):
        asked.append(request.headers.get("last-event-id", ""))
        return httpx.Response(200, text=answers[len(asked) - 1])

    async def main():
        async with AsyncClient("http://there", transport=httpx.MockTransport(answer)) as client:
            frames = client.stream("wagers")
            return [(await anext(frames)) for _ in range(4)]

    with caplog.at_level(logging.WARNING, "runline.client"):
        seen = asyncio.run(main())
    assert [(one.kind, one.position) for one in seen] == [("image", 5), ("delta", 7), ("image", 10), ("delta", 11)]
    assert asked == ["", ""]
    assert "begins anew" in caplog.text
