"""Which model may do what is measured here: rows, rounds of work, figures, report and page."""
