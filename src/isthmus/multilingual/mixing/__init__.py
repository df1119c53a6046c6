"""Mixed-language texts, made from a text and what translates its words (S8)."""
