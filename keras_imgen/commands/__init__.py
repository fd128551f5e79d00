"""What the command `keras-imgen` does, apart from reading its arguments."""
