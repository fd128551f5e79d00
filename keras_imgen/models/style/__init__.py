"""Models that give pictures another look."""
