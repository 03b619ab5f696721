from typing import Any

from celery.worker.request import Request

_HIDDEN = "(hidden)"


class QuietRequest(Request):  # type: ignore[misc]  # celery has no types
    """A request that shows its arguments to nobody: not to logs, events, `inspect` or Flower.

    A foreign publisher writes what it likes into the headers that these are read from.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - celery's own signature
        super().__init__(*args, **kwargs)
        self._argsrepr = _HIDDEN
        self._kwargsrepr = _HIDDEN
        self._request_dict["argsrepr"] = _HIDDEN
        self._request_dict["kwargsrepr"] = _HIDDEN

    def info(self, safe: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - celery's own signature
        """Describe the request without its arguments."""
        return {**super().info(safe=safe), "args": _HIDDEN, "kwargs": _HIDDEN}
