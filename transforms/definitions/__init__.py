"""What there is: recipes, the catalogue of indicators, reference facts, corrections."""
