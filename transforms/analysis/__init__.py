"""Questions asked of scores and figures: where they come from, why they changed, how certain they are."""
