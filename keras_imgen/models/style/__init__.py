"""Models that give pictures another look, and make new art."""
