"""Recipients from the tables people keep: what a spreadsheet or a database exports."""

from dispatcher.tables.recipients import Row, Table, open_table, read_recipients

__all__ = ["Row", "Table", "open_table", "read_recipients"]
