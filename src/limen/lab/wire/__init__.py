"""How the wire of a run is read: cookies judged, tokens decoded, bytes added up."""
