"""Stand-ins for what the tests cannot have: scripted, in processes of their own."""
