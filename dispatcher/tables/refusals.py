"""The one error of a table that is none, or no longer one."""

from dispatcher.errors import InputError, Problem

AS_CSV = "open it in a spreadsheet, save it as .xlsx or CSV (UTF-8), and give that file"
EXPORT_AGAIN = "export it again"


def unreadable(message: str, *, fix: str, row: int | None = None) -> InputError:
    """Make the error for a table that cannot be read, or not beyond a row."""
    return InputError([Problem(field="table", row=row, message=message, fix=fix)])
