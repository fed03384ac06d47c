"""Publishing: freezing scorecards, distinguishing revisions, and proving later how every number came about."""
