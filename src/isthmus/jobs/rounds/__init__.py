"""Jobs whose parties hold samples of their own, and train a network in rounds."""
