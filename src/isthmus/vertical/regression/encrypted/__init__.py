"""The level `encrypted`: residuals cross encrypted, and the active party knows the predictor."""
