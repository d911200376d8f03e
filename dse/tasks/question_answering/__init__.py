"""Question answering on paragraphs, as in SQuAD v1.1."""
