"""What one organisation reaches alone, before it asks anybody for data."""
