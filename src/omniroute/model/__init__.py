"""What things are: frozen values that check their own fields and know nothing of what happens."""
