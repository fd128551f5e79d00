"""Generators that learn from a discriminator."""
