import enum


class Progress(enum.Enum):
    """What came of one call of a step."""

    MADE = "made"
    """Something was done, and there may be more."""

    QUOTED = "quoted"
    """A campaign of one batch has its quote, and whoever took it may send it at once."""

    NONE = "none"
    """Nothing is due; a tick or an event brings the step back."""
