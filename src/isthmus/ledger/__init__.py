"""What left this party: checked by its policy, written down before it is sent, verified later."""
