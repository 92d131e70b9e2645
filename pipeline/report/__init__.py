"""Reports. Each module turns the one result model into one format."""
