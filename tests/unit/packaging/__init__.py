"""What ends up in the wheel."""
