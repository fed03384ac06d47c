"""Makes datasets of raw rows."""
