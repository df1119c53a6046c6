"""How answers look: the same pages in a terminal and in a notebook."""
