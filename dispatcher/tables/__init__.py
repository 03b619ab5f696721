"""Recipients from the tables people keep: what a spreadsheet or a database exports."""

from dispatcher.tables.recipients import Row, read_recipients

__all__ = ["Row", "read_recipients"]
