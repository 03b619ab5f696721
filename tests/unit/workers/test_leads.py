"""How long before its slot a POST is begun."""

import pytest

from workers.leads import Lead, Leads


def test_a_step_that_was_never_taken_is_given_the_least() -> None:
    leads = Leads()

    assert leads.early_ms == 0
    assert leads.seconds(0) == pytest.approx(0.05)


def test_fast_steps_are_given_the_least() -> None:
    leads = Leads()

    for _ in range(50):
        leads.connecting.note(0.001)
        leads.beginning.note(0.001)

    assert leads.early_ms == 0


def test_slow_steps_are_given_a_little_more_than_they_took() -> None:
    leads = Leads()

    for thousandth in range(100, 150):
        leads.connecting.note(thousandth / 1000)
        leads.beginning.note(0.03)

    assert leads.connecting.seconds == pytest.approx(0.148 * 1.12)
    assert leads.beginning.seconds == pytest.approx(0.03 * 1.12)
    assert leads.early_ms == 149
    assert leads.seconds(0) == pytest.approx(0.199)


def test_what_another_worker_needs_is_heeded_when_it_is_more() -> None:
    leads = Leads()
    for _ in range(50):
        leads.connecting.note(0.1)

    assert leads.early_ms == 72
    assert leads.seconds(400) == pytest.approx(0.45)
    assert leads.seconds(10) == pytest.approx(0.122)


def test_one_accident_in_fifty_is_not_waited_for() -> None:
    lead = Lead(least=0.04, most=1.0)

    for _ in range(49):
        lead.note(0.1)
    lead.note(0.9)

    assert lead.seconds == pytest.approx(0.112)


def test_of_few_the_slowest_counts_and_a_slower_one_is_expected() -> None:
    lead = Lead(least=0.04, most=1.0)
    lead.note(0.1)
    assert lead.seconds == pytest.approx(0.21)

    lead.note(0.4)

    assert lead.seconds == pytest.approx(0.64)


def test_nothing_is_given_more_than_the_most() -> None:
    lead = Lead(least=0.04, most=1.0)
    lead.note(30)

    assert lead.seconds == 1.0


def test_what_was_slow_long_ago_is_forgotten() -> None:
    lead = Lead(least=0.04, most=1.0)
    lead.note(0.8)
    lead.note(0.8)

    for _ in range(50):
        lead.note(0.01)

    assert lead.seconds == 0.04
