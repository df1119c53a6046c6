"""A party's own rows: read, checked and keyed by normalised identifiers. Nothing here is sent."""
