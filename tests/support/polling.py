import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], *, within: float = 60.0, every: float = 0.02) -> T:
    """Ask until the answer is truthy, and return it: the one place where tests wait.

    Args:
        condition: asked at least once, and once more when the time is over.
        within: seconds to wait at most.
        every: seconds between two questions.

    Raises:
        AssertionError: the last answer was still falsy; an exception of the condition passes.
    """
    deadline = time.monotonic() + within
    while True:
        late = time.monotonic() >= deadline
        answer = condition()
        if answer:
            return answer
        if late:
            raise AssertionError(f"not within {within:g} s; last answer: {answer!r}")
        time.sleep(every)
