"""Landing: how files reach raw tables."""
