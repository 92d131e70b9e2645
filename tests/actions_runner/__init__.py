"""A small runner of GitHub's workflows, so that tests execute the very steps that the YAML names.

It knows what this project's workflows use: https://docs.github.com/actions/reference/workflows-and-actions
"""
