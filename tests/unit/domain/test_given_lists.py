import pytest

from dispatcher.domain.given_lists import ContactNumbers
from dispatcher.domain.numbers import NumberProblem, normaliser

read = ContactNumbers(normaliser("FR"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("33639980001", 33639980001),
        ("+33639980001", 33639980001),
        ("0639980001", 33639980001),
        ("0033639980001", 33639980001),
        ("123", 123),
        ("012", NumberProblem.TOO_SHORT),
        ("33 6 39 98 00 01", NumberProblem.NOT_A_NUMBER),
        ("\u0663\u0663", NumberProblem.NOT_A_NUMBER),
        ("", NumberProblem.NOT_A_NUMBER),
        ("1234567890123456", NumberProblem.TOO_LONG),
    ],
)
def test_a_contacts_number_is_read_as_the_api_means_it(
    text: str, found: int | NumberProblem
) -> None:
    assert read(text) == found
    assert read.read_all([text]) == [found]
