"""With what: settings, methodologies, dated reference facts, corrections."""
