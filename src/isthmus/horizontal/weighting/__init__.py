"""S6: weights of children's updates that an actor-critic chooses by what they do to accuracy."""
