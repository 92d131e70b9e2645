"""The report as one page: HTML, a style sheet and a script, nothing from elsewhere."""
