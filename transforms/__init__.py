"""How: recipes by stage, and the runner that builds them."""
