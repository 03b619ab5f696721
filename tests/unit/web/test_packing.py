import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.web.packing import MOST_BODIES, MOST_BYTES, Packer, packs


def test_bodies_that_arrive_together_are_kept_together() -> None:
    kept: list[list[bytes]] = []

    async def keep(bodies: Sequence[bytes]) -> bool:
        kept.append(list(bodies))
        return True

    async def scenario() -> list[bool]:
        packer = Packer(keep)
        return await asyncio.gather(*(packer.add(b"%d" % n) for n in range(3)))

    assert asyncio.run(scenario()) == [True, True, True]
    assert kept == [[b"0", b"1", b"2"]]


def test_nobody_is_answered_before_the_pack_is_kept() -> None:
    async def scenario() -> tuple[bool, bool, bool]:
        disk = asyncio.Event()

        async def keep(_: Sequence[bytes]) -> bool:
            await disk.wait()
            return True

        answer = asyncio.create_task(Packer(keep).add(b"body"))
        await asyncio.sleep(0.01)
        before = answer.done()
        disk.set()
        return before, await answer, answer.done()

    assert asyncio.run(scenario()) == (False, True, True)


def test_what_arrives_while_a_pack_is_under_way_makes_the_next_one() -> None:
    kept: list[list[bytes]] = []

    async def scenario() -> None:
        disk = asyncio.Event()

        async def keep(bodies: Sequence[bytes]) -> bool:
            kept.append(list(bodies))
            await disk.wait()
            return True

        packer = Packer(keep)
        first = asyncio.create_task(packer.add(b"first"))
        await asyncio.sleep(0.01)
        later = [asyncio.create_task(packer.add(body)) for body in (b"second", b"third")]
        await asyncio.sleep(0.01)
        disk.set()
        await asyncio.gather(first, *later)

    asyncio.run(scenario())

    assert kept == [[b"first"], [b"second", b"third"]]


def test_a_sender_that_goes_away_takes_no_answer_from_the_others() -> None:
    async def scenario() -> bool:
        disk = asyncio.Event()

        async def keep(_: Sequence[bytes]) -> bool:
            await disk.wait()
            return True

        packer = Packer(keep)
        leaves, stays = (asyncio.create_task(packer.add(b"body")) for _ in range(2))
        await asyncio.sleep(0.01)
        leaves.cancel()
        disk.set()
        return await stays

    assert asyncio.run(scenario()) is True


def test_a_pack_that_fails_is_answered_with_no_and_blocks_nothing() -> None:
    async def keep(bodies: Sequence[bytes]) -> bool:
        if b"poison" in bodies:
            raise RuntimeError
        return True

    async def scenario() -> list[bool]:
        packer = Packer(keep)
        return [await packer.add(b"poison"), await packer.add(b"body")]

    assert asyncio.run(scenario()) == [False, True]


@given(st.lists(st.sampled_from([b"", b"x", b"y" * 65_536, b"z" * 600_000]), max_size=40))
def test_packs_keep_every_body_in_order_and_stay_within_bounds(bodies: list[bytes]) -> None:
    made = list(packs(bodies))

    assert [body for pack in made for body in pack] == bodies
    assert all(pack for pack in made)
    assert all(sum(map(len, pack)) <= MOST_BYTES for pack in made)


def test_a_pack_is_full_at_five_hundred_bodies() -> None:
    assert [len(pack) for pack in packs([b"x"] * 1001)] == [500, 500, 1]
    assert MOST_BODIES == 500
