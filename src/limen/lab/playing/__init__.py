"""Who acts: simulated clients with real jars, and the stage on which a script lets them."""
