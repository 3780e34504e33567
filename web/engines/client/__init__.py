"""The openai client as Hintline uses it: one request, read frame by frame; knows no Django."""
