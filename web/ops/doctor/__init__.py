"""What a set-up lacks, part by part, and what to do about it."""
