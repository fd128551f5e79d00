"""Schedules, samplers and guidance of diffusion models: tables and pure functions."""
