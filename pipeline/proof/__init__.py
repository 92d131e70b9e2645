"""Statements attached to a published digest: provenance, test result, SBOM; signed or not.

Statements are in-toto's (https://github.com/in-toto/attestation), signed ones travel in sigstore's bundles, and the
registry keeps both as what refers to the image (OCI image spec 1.1, "subject").
"""
