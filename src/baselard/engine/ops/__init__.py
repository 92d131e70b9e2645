"""Operations: one file, one kind; each says what it is made from, what it is called by and how it is run."""
