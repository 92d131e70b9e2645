"""The gate for known vulnerabilities: an image's packages, looked up by osv-scanner, judged by a policy.

Records are in the form of https://ossf.github.io/osv-schema. A scanner or a database that could not be had is told as
such, and never looks like a pass.
"""
