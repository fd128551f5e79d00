"""Models that tell what is in a picture from how it is painted."""
