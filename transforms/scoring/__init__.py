"""From indicators to scores: pure functions on frames."""
