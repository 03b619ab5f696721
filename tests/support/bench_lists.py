"""Campaigns on a bench whose batches differ in size, are uploaded to lists, or not read yet."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from dispatcher.domain.packing import Batch, pack
from dispatcher.store.claims import UnreadClaim
from dispatcher.store.contact_lists import ListPhase, ListProgress
from dispatcher.store.submissions import Filling, starts_of
from tests.support.bench import FIRST_NUMBER, QUOTE_LEASE_MS, Bench, upload_of


def upload_sizes(bench: Bench, upload: str, sizes: Sequence[int]) -> Filling:
    """Upload consecutive numbers in batches of these sizes; say what a campaign is made of."""
    starts = list(accumulate(sizes, initial=FIRST_NUMBER))
    batches = {
        n: pack(Batch(numbers=range(start, start + size)))
        for n, (start, size) in enumerate(zip(starts, sizes, strict=False))
    }
    bench.account.campaigns.upload(upload, batches)
    return Filling(
        upload=upload,
        batches=len(sizes),
        batch_size=0,
        starts=starts_of(sizes),
        recipients=sum(sizes),
        rows=sum(sizes),
        invalid=0,
        duplicated=0,
        dropped_chunks=0,
    )


def submit_sizes(bench: Bench, sizes: Sequence[int], campaign: str = "c1") -> None:
    """Submit a campaign of batches of these sizes."""
    submission = bench.submission(campaign, sum(sizes), 1)
    filling = upload_sizes(bench, upload_of(submission), sizes)
    assert bench.account.campaigns.submit(replace(submission, filling=filling))


def submit_unread(bench: Bench, campaign: str = "c1", *, lists: tuple[str, ...] = ("12",)) -> None:
    """Submit a campaign over lists whose contacts are to be read."""
    submission = bench.submission(campaign, 1, 1, lists=lists)
    assert bench.account.campaigns.submit(replace(submission, filling=None))


def claim_unread(bench: Bench, campaign: str = "c1") -> UnreadClaim:
    claim = bench.account.batches.claim_quote(campaign, lease_ms=QUOTE_LEASE_MS)
    assert isinstance(claim, UnreadClaim), claim
    return claim


def complete(list_id: str) -> ListProgress:
    """Give the progress of a batch that is wholly uploaded to a list."""
    return ListProgress(phase=ListPhase.COMPLETE, id=list_id, added=1)


def submit_uploaded(
    bench: Bench,
    campaign: str = "c1",
    *,
    batches: int = 2,
    **more: Any,  # noqa: ANN401 - any field of a submission
) -> None:
    """Submit a campaign of which each batch is in a list of its own: `<campaign>-list-<n>`."""
    bench.account.ledger.approve_server(quiet_ms=0)
    bench.submit(campaign, recipients=2 * batches, batch_size=2, **more)
    for _ in range(batches):
        claim = bench.claim_quote(campaign)
        progress = complete(f"{campaign}-list-{claim.n}")
        assert bench.account.lists.advance(campaign, claim.n, None, progress)
        # One claimed later comes first, so each of them gets its turn.
        bench.advance(1)
