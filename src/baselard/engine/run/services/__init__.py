"""Services of a session: started on first use, shared, health-checked, stopped after their last use."""
