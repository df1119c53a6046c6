"""Mixed-language texts: words of a text replaced by their translations (S8)."""
