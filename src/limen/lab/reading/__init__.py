"""How a run is read: pure functions from its record to what a page says."""
