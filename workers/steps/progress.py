import enum


class Progress(enum.Enum):
    """What came of one call of a step."""

    MADE = "made"
    """Something was done, and there may be more."""

    NONE = "none"
    """Nothing is due; a tick or an event brings the step back."""
