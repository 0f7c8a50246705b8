"""What producers may rely on."""
