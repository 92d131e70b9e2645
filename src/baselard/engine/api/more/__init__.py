"""Parts of the API that Baselard's own functions never call."""
