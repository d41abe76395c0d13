"""What happens: pure functions of state, command, policy and now."""
