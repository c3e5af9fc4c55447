"""A run as files: each module makes one kind of file, from nothing but the run."""
