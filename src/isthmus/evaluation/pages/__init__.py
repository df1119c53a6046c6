"""Pages about runs, each a single HTML file: what they say, and the figures on them."""
