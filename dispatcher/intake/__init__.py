"""Takes in whom a campaign goes to: validates, renders, sorts into batches, uploads."""

from dispatcher.intake.intake import MOST_LISTED, Intake, Taken

__all__ = ["MOST_LISTED", "Intake", "Taken"]
