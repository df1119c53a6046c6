"""A party's own data: read, checked, and keyed by normalised identifiers. Nothing here is sent."""
