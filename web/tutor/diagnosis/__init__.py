"""What is wrong with a program."""
