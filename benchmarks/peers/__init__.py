"""What people use today, and bare drivers: the other side of each comparison."""
