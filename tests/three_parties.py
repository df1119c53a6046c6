"""A job of three parties that only find their shared rows, inside enclaves."""

JOB = """\
name = "who-do-we-share"
seed = 1
disclosed = ["SealedIdentifiers", "SealedPositions"]

[parties.clinic]
role = "active"
[parties.insurer]
role = "passive"
[parties.shop]
role = "passive"

[data]
train = "people"
identifiers = ["person"]

[alignment]
method = "attested"
"""

PARTY = """\
party = "{name}"

[datasets.people]
path = "people.csv"
identifiers = ["person"]

[policy.enclaves]
allow_simulated = true
"""
