"""The live stream: complete, in order, nothing twice, nothing that somebody may not see."""

import asyncio

from tests.integration.served import served
from tests.integration.world import wager


def test_somebody_who_follows_the_wagers_sees_an_image_and_then_every_wager(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house()
            await world.open_book(credit_minor=10**9)
            first = await world.do("b1", wager())
            owner = await place.sign_in("b1", "owner")
            frames = owner.stream("wagers", "figures", "exposure", "lines", "log", "notifications")
            image = await anext(frames)
            assert image.kind == "image"
            assert [one["seq"] for one in image.topics["wagers"]["events"]] == [first.position]
            assert image.topics["figures"]["rows"][0]["open_wagers"] == 1
            assert image.topics["lines"]["rows"][0]["fixture"] == "G1"
            seen = []
            last = image.position
            placed = [(await world.do("b1", wager())).position for _ in range(20)]
            while not seen or seen[-1] < placed[-1]:
                frame = await anext(frames)
                if frame.kind == "delta" and frame.id:
                    assert frame.after == last
                    last = frame.position
                    seen += [one["seq"] for one in frame.topics.get("wagers", {"events": []})["events"]]
            assert seen == placed
            await frames.aclose()

    asyncio.run(main())
