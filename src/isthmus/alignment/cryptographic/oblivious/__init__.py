"""Two parties find the rows that both hold by an oblivious function: cheap for many rows."""
