"""Foundations that every other folder may use: errors, specs, seeds, telemetry."""
