"""The egress ledger of a party: messages are checked by its policy and recorded before sending."""
