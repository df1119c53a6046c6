"""What holds for every test."""

from hypothesis import settings

# How long an example takes says more about who else is on the machine than about the code.
settings.register_profile("isthmus", deadline=None)
settings.load_profile("isthmus")
