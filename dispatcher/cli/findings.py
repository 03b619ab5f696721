"""What a check of `dispatcher doctor` finds."""

import enum
from dataclasses import dataclass

from dispatcher.cli.exit_codes import ExitCode


class Grade(enum.Enum):
    """How bad a finding is."""

    FINE = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What one check found.

    Attributes:
        subject: what was looked at.
        fix: what to do about it; empty when it is fine.
        code: what the command ends with if this is a problem.
    """

    subject: str
    grade: Grade
    message: str
    fix: str = ""
    code: ExitCode = ExitCode.OK


def fine(subject: str, message: str) -> Result:
    """Say that all is well."""
    return Result(subject=subject, grade=Grade.FINE, message=message)


def warning(subject: str, message: str, fix: str) -> Result:
    """Say what may be meant so, and what to do if it is not."""
    return Result(subject=subject, grade=Grade.WARNING, message=message, fix=fix)


def problem(subject: str, message: str, fix: str, code: ExitCode) -> Result:
    """Say what is wrong, and what to do about it."""
    return Result(subject=subject, grade=Grade.PROBLEM, message=message, fix=fix, code=code)
