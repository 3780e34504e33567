"""What a program did, and how a student is told of it."""
