"""Tables: the rows of one shard by key, their optimizers and the compiled loops over them."""
