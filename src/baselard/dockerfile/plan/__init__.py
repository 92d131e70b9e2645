"""Instructions as a plan: stages, what each starts from, and the steps that each comes down to. Runs nothing."""
