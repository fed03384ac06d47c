"""How a run is carried out, watched and concluded: Prefect."""
