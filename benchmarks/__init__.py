"""Measurements that the README quotes; each is one script."""
