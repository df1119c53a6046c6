"""Alignment of two to five parties whose identifiers meet inside enclaves only."""

from isthmus.alignment.attested.party import Found, Trust, party
from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.alignment.attested.terms import Terms

__all__ = ["AttestedAlignment", "Found", "Terms", "Trust", "party"]
