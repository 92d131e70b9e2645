"""container-structure-test's files, schema version 2: read whole or refused, judged by what is in the image."""
