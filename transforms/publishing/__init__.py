"""Publishing: freezing scorecards, telling revisions apart, and proving later how every number came about."""
