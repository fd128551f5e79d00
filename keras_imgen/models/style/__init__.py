"""Models that make new art: from a single painting, at any size."""
