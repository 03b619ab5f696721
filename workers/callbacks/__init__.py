"""Posts events to producers."""
